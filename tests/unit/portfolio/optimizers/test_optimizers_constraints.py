import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.portfolio.limits import Group, Limits, Pair
from tasks.portfolio.optimizers.constraints import largest_budget


def best_by_linprog(limits, names):
    """The largest sum of weights by scipy's own interface to a linear program."""
    from scipy.optimize import linprog

    rows = [group.members.astype(float) for group in limits.groups]
    rows += [np.isin(np.arange(names), pair[:2]).astype(float) for pair in limits.pairs]
    bounds = [group.limit for group in limits.groups] + [limits.max_position] * len(limits.pairs)
    found = linprog(
        -np.ones(names), [*rows, np.ones(names)], [*bounds, 1.0], bounds=[(0, limits.max_position)] * names
    )
    assert found.success
    return -found.fun


@st.composite
def any_limits(draw):
    names = draw(st.integers(1, 12))
    fraction = st.floats(0, 1).map(lambda x: round(x, 3))

    def classification(most):
        codes = np.array(draw(st.lists(st.integers(-1, most), min_size=names, max_size=names)))
        return [
            Group(f"group {code}", codes == code, draw(fraction)) for code in np.unique(codes[codes >= 0])
        ]

    groups = [group for _ in range(draw(st.integers(0, 3))) for group in classification(4)]
    places = st.integers(0, names - 1)
    pairs = draw(st.lists(st.tuples(places, places).filter(lambda pair: pair[0] < pair[1]), max_size=6))
    limits = Limits(draw(fraction), 1.0, tuple(groups), tuple(Pair(*pair, 0.9) for pair in pairs))
    return limits, names


@given(any_limits())
def test_the_largest_budget_is_the_one_of_a_linear_program(case):
    limits, names = case

    assert largest_budget(limits, names) == pytest.approx(best_by_linprog(limits, names), abs=1e-9)


def test_two_classifications_of_equal_names_leave_the_smallest_cut():
    sectors = tuple(Group(f"sector {s}", np.arange(40) % 4 == s, 0.30) for s in range(4))
    large = Group("cap class large", np.arange(40) < 38, 0.70)

    assert largest_budget(Limits(0.15, 1.0, sectors, ()), 40) == 1.0
    assert largest_budget(Limits(0.05, 1.0, (*sectors, large), ()), 40) == pytest.approx(0.8)
    assert largest_budget(Limits(0.01, 1.0, (*sectors, large), ()), 40) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("groups", "most"),
    [
        ([([0, 1], 0.3), ([1, 2], 0.3)], 0.6),
        ([([0, 1], 0.1), ([1, 2], 0.3)], 0.4),
        ([([0, 1], 0.3), ([1, 2], 0.3), ([0, 2], 0.3)], 0.45),  # too many classifications for a cut
        ([([0, 1], 0.8), ([1, 2], 0.8), ([0, 2], 0.8)], 1.0),
        ([([0, 1, 2], 0.9), *(([place % 3], 0.1) for place in range(3))], 0.3),
    ],
)
def test_groups_that_overlap_are_all_kept(groups, most):
    named = tuple(Group(str(members), np.isin(np.arange(3), members), limit) for members, limit in groups)

    assert largest_budget(Limits(0.5, 1.0, named, ()), 3) == pytest.approx(most)


def test_pairs_that_bind_are_counted():
    """A name that belongs to two pairs: the two others take a full position each."""
    chain = (Pair(0, 1, 0.9), Pair(1, 2, 0.9))

    assert largest_budget(Limits(0.2, 1.0, (), chain), 3) == pytest.approx(0.4)


def test_the_usual_limits_need_no_linear_program():
    """issue 13: the linear program took two fifths of a decision's time."""
    words = """if True:
        import sys
        import numpy as np
        from tasks.portfolio.limits import Group, Limits, Pair
        from tasks.portfolio.optimizers.constraints import largest_budget
        groups = [Group(str(s), np.arange(40) % 8 == s, 0.3) for s in range(8)]
        groups += [Group("large", np.arange(40) < 35, 0.7), Group("mid", np.arange(40) >= 35, 0.25)]
        largest_budget(Limits(0.15, 1.0, tuple(groups), (Pair(0, 1, 0.9),)), 40)
        print("scipy.optimize" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
