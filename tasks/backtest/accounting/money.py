"""Money in a backtest: whole cents in 64-bit integers.

Two designs were considered. Floats in USD, rounded after each operation: familiar, but a sum of rounded floats depends
on its order, so that the books balance only within a tolerance. Integer cents, chosen here: sums are exact in any
order, and equity equals its parts by `==`. A product of shares and a rate (dividend, interest) is rounded once, from
the exact product, half to even. An amount that does not fit is refused instead of overflowing.
"""

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import DataError

Numbers = NDArray[np.float64]
Shares = NDArray[np.int64]
Cents = NDArray[np.int64]

CENTS_PER_USD = 100
LARGEST_CENTS = 2.0**62


def to_cents(price_usd: Numbers) -> Cents:
    """Return prices in whole cents, as the daily run rounds them; 0 where there is no usable price."""
    usable = np.isfinite(price_usd) & (price_usd > 0)
    return np.round(np.where(usable, price_usd, 0.0) * CENTS_PER_USD).astype(np.int64)


def value_cents(shares: Shares, price_cents: Cents) -> Cents:
    """Return shares × price of each company. Raises DataError when their sum does not fit into 64 bits."""
    refuse_too_large(float(np.abs(np.multiply(shares, price_cents, dtype=np.float64)).sum()))
    return shares * price_cents


def refuse_too_large(cents: float) -> None:
    """Raise DataError when a total of absolute amounts does not fit into 64 bits."""
    if cents > LARGEST_CENTS:
        raise DataError(
            "The positions are worth more than an account can hold.",
            remedy="Check the shares at the start of the backtest and the prices of its companies.",
        )


def payment_cents(shares: int | Fraction, usd_per_share: float) -> int:
    """Return shares × USD per share in cents, rounded once from the exact product of the decimals as written."""
    return round(shares * _exactly(float(usd_per_share)) * CENTS_PER_USD)


def accrued_cents(cents: int, yearly_rate: float, days: int) -> int:
    """Return the simple interest on an amount over calendar days of a 360-day year, the money market's convention."""
    rate = _exactly(float(yearly_rate))
    return round(Fraction(cents * rate.numerator * days, rate.denominator * 360))


@lru_cache(maxsize=4096)
def _exactly(number: float) -> Fraction:
    """Return the decimal as written."""
    return Fraction(repr(number))
