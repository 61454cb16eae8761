"""Verify a split in the lake before it changes shares: exact fraction, raw price jump, shares at the broker.

Vendors have delivered splits in the wrong direction and ratios as rounded decimals. A split is booked if the broker's
shares changed by exactly its fraction and the price does not contradict it, or if the price confirms it and the result
is whole. Otherwise the name stays locked until one of these conditions is met.
"""

import math
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tasks.execution.reconciliation.schema import CorporateAction

CLEAR_RATIO = 1.2  # a smaller split cannot be distinguished from a usual move of the price
SHARE_DECIMALS = Decimal("1e-9")  # the most that brokers keep


class PriceJump(StrEnum):
    """What the raw prices around the ex-date say about a split."""

    CONFIRMS = "confirms"
    REVERSED = "reversed"  # the price moved as in a split in the other direction
    NONE = "none"  # the price did not move as in any split
    UNCLEAR = "unclear"  # no prices, or a ratio too small to see


def price_jump(action: CorporateAction) -> PriceJump:
    """Compare the jump of the raw price with the ratio, its inverse and no split; the nearest in log terms wins."""
    before, after, ratio = action.price_before, action.price_after, float(action.split)
    if not before or not after or max(ratio, 1 / ratio) < CLEAR_RATIO:
        return PriceJump.UNCLEAR
    seen, stated = math.log(float(before / after)), math.log(ratio)
    distances = {
        PriceJump.CONFIRMS: abs(seen - stated),
        PriceJump.REVERSED: abs(seen + stated),
        PriceJump.NONE: abs(seen),
    }
    return min(distances, key=lambda verdict: distances[verdict])


def possible_changes(held: Decimal, ratio: Fraction) -> tuple[Decimal, ...]:
    """Return by how many shares a broker may change the position: rounded down, up, or with nine decimals."""
    exact = Fraction(held) * ratio
    kept = Decimal(exact.numerator) / Decimal(exact.denominator)
    whole = {Decimal(math.floor(exact)), Decimal(math.ceil(exact)), kept.quantize(SHARE_DECIMALS)}
    return tuple(sorted(shares - held for shares in whole))


def whole_change(held: Decimal, ratio: Fraction) -> Decimal | None:
    """Return the change in shares if no fraction of a share remains; else None."""
    exact = Fraction(held) * ratio
    return Decimal(exact.numerator) - held if exact.denominator == 1 else None


def split_text(ratio: Fraction) -> str:
    """Return a ratio as it is spoken: 2-for-1, 1-for-10."""
    return f"{ratio.numerator}-for-{ratio.denominator}"
