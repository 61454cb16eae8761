import numpy as np
import pytest

from tasks.simulation.companies import Companies, Status
from tasks.simulation.fundamentals import EARNINGS, Reports
from tasks.simulation.version_2 import alpha
from tasks.simulation.version_2.styles import STYLES

COUNT, ROWS = 200, 160


def companies() -> Companies:
    made = Companies(COUNT)
    made.status[:], made.age[:] = Status.TRADED, ROWS
    made.raw[:], made.shares[:], made.base_volatility[:] = 50.0, 1e8, 0.02
    return made


def scored(made: Companies, *, index: float = 15.0, later: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(1)
    returns = draw.normal(0, 0.02, (ROWS + 10, COUNT))
    levels = np.cumsum(returns, axis=0)
    levels[ROWS:] += later
    state = alpha.new_state(ROWS + 10, COUNT)
    for row in range(ROWS):
        alpha.update(state, row, returns[row], draw.normal(-5, 0.3, COUNT), 15.0)
    reports = Reports(COUNT)
    reports.public[EARNINGS] = draw.normal(1e8, 2e7, COUNT)
    styles = np.sqrt(3) * draw.uniform(-1, 1, (len(STYLES), COUNT))
    return alpha.scores(state, made, reports, levels, ROWS - 1, styles, index)


def test_scores_have_about_unit_variance():
    assert scored(companies()).std() == pytest.approx(1.0, rel=0.3)


def test_the_state_of_the_volatility_index_switches_a_sign():
    made = companies()

    assert not np.allclose(scored(made, index=10.0), scored(made, index=30.0))
    assert np.allclose(scored(made, index=10.0), scored(made, index=14.0))


def test_a_new_company_has_no_score():
    made = companies()
    made.age[3] = alpha.SPANS[-1] - 1
    made.status[4] = Status.ACQUIRED

    scores = scored(made)

    assert scores[[3, 4]].tolist() == [0.0, 0.0]
    assert np.count_nonzero(scores) == COUNT - 2


def test_scores_do_not_depend_on_later_rows():
    made = companies()

    assert np.array_equal(scored(made), scored(made, later=0.5))


def test_a_common_return_is_not_alpha():
    scores, volatility = np.linspace(0.5, 2, COUNT), np.linspace(0.01, 0.04, COUNT)

    expected = alpha.planted_returns(scores, volatility, strength=0.05)

    assert expected.sum() == pytest.approx(0.0, abs=1e-12)
    assert expected == pytest.approx(alpha.planted_returns(scores, volatility, strength=0.10) / 2)


def test_without_strength_nothing_is_planted():
    assert not alpha.planted_returns(np.ones(COUNT), np.full(COUNT, 0.02), strength=0.0).any()
