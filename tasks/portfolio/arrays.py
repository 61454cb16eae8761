"""The input of a decision: one session's arrays, with one entry per name in an order that does not change.

The daily run makes them from frames (tasks/portfolio/frame.py); a backtest slices its own arrays. Makes no
decisions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]  # of labels; -1: none
Places = NDArray[np.intp]  # of some names among all, ascending


@dataclass(frozen=True)
class Names:
    """What is known of each name after the session's close."""

    score: Vector  # higher is better; NaN: none
    is_scored: Mask  # it belongs to the universe that was scored, even if its score is NaN
    price: Vector  # USD in whole cents, the last known raw close
    has_quote: Mask  # it traded on the session
    is_quarantined: Mask
    is_reserved: Mask  # its symbol is the one of cash
    has_risk: Mask  # its covariance can be estimated
    adv_usd: Vector  # average dollar volume; NaN: unknown
    daily_volatility: Vector  # a fraction; NaN: unknown
    fall: Vector  # largest recent one below a high (tasks/portfolio/stops.py), a fraction; NaN: unknown
    sector: Codes
    cap_class: Codes
    fixed: Vector | None = None  # target weights that a person set, NaN elsewhere; None: no name has one

    @property
    def is_fixed(self) -> Mask:
        """Which names have a target weight that a person set."""
        known: Mask = np.zeros(len(self.score), dtype=bool) if self.fixed is None else np.isfinite(self.fixed)
        return known


@dataclass(frozen=True)
class Held:
    """What is held of each name after the session's close, before its trades."""

    shares: Vector  # 0: not held
    weight: Vector  # fraction of the equity
    cash_usd: float
    equity_usd: float

    @property
    def places(self) -> Places:
        return np.flatnonzero(self.shares > 0)


def value_held(shares: Vector, price: Vector, cash_usd: float) -> Held:
    """Return the holdings valued at these prices; a name without shares needs no price."""
    value_usd = np.where(shares > 0, shares * price, 0.0)
    equity_usd = equity_of(cash_usd, value_usd.tolist())
    return Held(shares, value_usd / equity_usd, cash_usd, equity_usd)


def adv_in_shares(adv_usd: Vector, price: Vector) -> Vector:
    """Return average dollar volumes in shares; NaN where volume or price are unknown or zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = adv_usd / price
    return np.where(np.isfinite(shares), shares, np.nan)


def equity_of(cash_usd: float, values_usd: Iterable[float]) -> float:
    """Return cash plus holdings, exactly rounded: the order of the holdings does not matter."""
    return round(math.fsum([cash_usd, *values_usd]), 6)
