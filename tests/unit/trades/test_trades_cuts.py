"""Which trades stay when a day may not have them all."""

import numpy as np
import pytest

from tasks.trades.cuts import Told, drop_beyond, drop_worthless
from tests.unit.trades.trades_worlds import lines_of, make_book, make_target

LINES = lines_of(
    make_book(0.0, A=1_000, B=1_000, C=1_000, prices={"A": 10.0, "B": 100.0, "C": 1.0}),
    make_target(
        A={"weight": 0.1, "price": 10.0}, B={"weight": 0.1, "price": 100.0}, C={"weight": 0.1, "price": 1.0}
    ),
)
SHARES = np.array([50, 10, 300])  # 500, 1,000 and 300 USD
NOBODY = np.zeros(3, dtype=bool)


@pytest.mark.parametrize(
    ("most", "first", "kept"),
    [
        (3, NOBODY, [50, 10, 300]),
        (2, NOBODY, [50, 10, 0]),
        (1, NOBODY, [0, 10, 0]),
        (0, NOBODY, [0, 0, 0]),
        (1, np.array([False, False, True]), [0, 0, 300]),
        (2, np.array([True, False, True]), [50, 0, 300]),
    ],
)
def test_the_first_stay_and_then_those_that_are_worth_most(most, first, kept):
    told = Told()

    left = drop_beyond(SHARES, LINES, told, most=most, first=first, words="too many")

    assert left.tolist() == kept
    assert told.dropped == {
        line: (int(SHARES[line]), "too many") for line in range(3) if not kept[line] and SHARES[line]
    }


def test_of_equal_trades_the_first_by_name_stays():
    left = drop_beyond(np.array([10, 1, 100]), LINES, Told(), most=1, first=NOBODY, words="")

    assert left.tolist() == [10, 0, 0]


@pytest.mark.parametrize(("cost_cents", "kept"), [(99, [1, 0, 1]), (100, [1, 0, 0]), (101, [1, 0, 0])])
def test_one_share_that_costs_what_it_brings_is_not_sold(cost_cents, kept):
    left = drop_worthless(np.array([1, 0, 1]), LINES, Told(), lambda _: np.full(3, cost_cents))

    assert left.tolist() == kept
