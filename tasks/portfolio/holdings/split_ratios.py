"""Read a split's ratio exactly, and carry shares through splits.

Data files state a ratio as a decimal, which cannot express 1/3: a decimal that agrees with a simple ratio in six
significant digits is read as that ratio, so that 30 shares at 0.333333 become 10. Used by the daily run, by backtests
and by the reconciliation.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import prod

LARGEST_DENOMINATOR = 100
SAME_RATIO = Fraction(5, 10**6)  # relative difference of a number rounded to six significant digits


def exact_ratio(split: float) -> Fraction:
    """Return new shares per old share as a ratio. `split` is finite and positive."""
    written = Fraction(repr(float(split)))
    simple = written.limit_denominator(LARGEST_DENOMINATOR)
    return simple if abs(simple - written) <= SAME_RATIO * written else written


def split_shares(shares: float, splits: Iterable[float]) -> Fraction:
    """Return the shares, possibly a fraction, that `shares` become after these splits."""
    return Fraction(repr(float(shares))) * prod((exact_ratio(split) for split in splits), start=Fraction(1))
