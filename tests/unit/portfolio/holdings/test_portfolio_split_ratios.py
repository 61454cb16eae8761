from fractions import Fraction

import pytest

from tasks.portfolio.holdings.split_ratios import exact_ratio, split_shares


@pytest.mark.parametrize(
    ("written", "ratio"),
    [
        (2.0, Fraction(2)),
        (0.1, Fraction(1, 10)),
        (1.5, Fraction(3, 2)),
        (0.333333, Fraction(1, 3)),
        (1 / 3, Fraction(1, 3)),
        (0.142857, Fraction(1, 7)),
        (0.0333333, Fraction(1, 30)),
        (0.333, Fraction(333, 1000)),  # too few decimals to be a rounded third
        (1.281129, Fraction(1281129, 10**6)),
        (0.0001, Fraction(1, 10**4)),
    ],
)
def test_a_decimal_close_to_a_simple_ratio_is_read_as_that_ratio(written, ratio):
    assert exact_ratio(written) == ratio


def test_several_splits_multiply_without_rounding():
    assert split_shares(10, [0.333333, 3.0]) == 10
    assert split_shares(7.5, [2.0]) == 15
    assert split_shares(7, []) == 7
