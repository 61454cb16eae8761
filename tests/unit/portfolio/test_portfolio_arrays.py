"""What is held is valued exactly, however little it is."""

import numpy as np
import pytest

from tasks.portfolio.arrays import adv_in_shares, equity_of, value_held


def test_every_share_counts_and_a_name_without_shares_needs_no_price():
    held = value_held(np.array([0.5, 1.0, 0.0, 10.0]), np.array([10.0, 20.0, np.nan, 3.0]), 45.0)

    assert held.equity_usd == 100.0
    assert held.weight.tolist() == pytest.approx([0.05, 0.2, 0.0, 0.3])
    assert held.places.tolist() == [0, 1, 3]


def test_equity_does_not_depend_on_the_order_of_the_holdings_and_is_rounded_to_a_millionth():
    values = [1e16, 0.1, 0.2, -1e16]

    assert equity_of(0.3, values) == equity_of(0.3, values[::-1]) == 0.6
    assert equity_of(0.1234567, []) == 0.123457


def test_a_volume_in_shares_is_unknown_without_a_volume_or_a_price():
    shares = adv_in_shares(np.array([100.0, np.nan, 100.0, 0.0, 0.0]), np.array([50.0, 50.0, 0.0, 50.0, 0.0]))

    np.testing.assert_array_equal(shares, [2.0, np.nan, np.nan, 0.0, np.nan])
