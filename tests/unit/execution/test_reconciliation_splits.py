"""What the raw prices around an ex-date say of a split."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.execution.reconciliation.schema import CorporateAction
from tasks.execution.reconciliation.splits import PriceJump, price_jump


@pytest.mark.parametrize(
    ("ratio", "before", "after", "verdict"),
    [
        (Fraction(2), 100, 50, PriceJump.CONFIRMS),
        (Fraction(2), 100, 200, PriceJump.REVERSED),
        (Fraction(2), 100, 99, PriceJump.NONE),
        (Fraction(1, 10), 1, 10, PriceJump.CONFIRMS),
        (Fraction(6, 5), 120, 100, PriceJump.CONFIRMS),  # the smallest that can be distinguished
        (Fraction(11, 10), 100, 100, PriceJump.UNCLEAR),
        (Fraction(10, 11), 100, 100, PriceJump.UNCLEAR),
        (Fraction(2), None, 50, PriceJump.UNCLEAR),
        (Fraction(2), 100, None, PriceJump.UNCLEAR),
    ],
)
def test_the_price_confirms_a_split_or_does_not(ratio, before, after, verdict):
    prices = {"price_before": before and Decimal(before), "price_after": after and Decimal(after)}

    assert price_jump(CorporateAction("AAA", date(2024, 6, 14), split=ratio, **prices)) is verdict
