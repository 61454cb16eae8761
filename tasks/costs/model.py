"""Estimate the cost of trades: commission and fees, half-spread and market impact.

Prices, volatilities and volumes come from the caller.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.sections import Costs

Numbers = NDArray[np.float64]

BASIS_POINT = 1e-4
UNKNOWN_DAILY_VOLATILITY = 0.05  # three times that of a typical stock: an unknown one must not look cheap


class CostEstimate(NamedTuple):
    """Costs in USD, one entry per trade, never negative."""

    commission_usd: Numbers  # broker commission, SEC fee and TAF
    slippage_usd: Numbers  # half-spread and impact

    @property
    def total_usd(self) -> float:
        return float(self.commission_usd.sum() + self.slippage_usd.sum())


def estimate(
    shares: Numbers,
    price: Numbers,
    is_sale: NDArray[np.bool_],
    *,
    daily_volatility: Numbers,
    adv_shares: Numbers,
    costs: Costs,
) -> CostEstimate:
    """Return the cost of each trade. `shares` are positive, `price` in USD, `daily_volatility` a fraction per session.

    A trade in a name of unknown volume counts as a whole day's volume; an unknown volatility counts as a high one.
    No trades give empty arrays.
    """
    return CostEstimate(
        commission(shares, price, is_sale, costs=costs),
        slippage(shares, price, daily_volatility=daily_volatility, adv_shares=adv_shares, costs=costs),
    )


def commission(shares: Numbers, price: Numbers, is_sale: NDArray[np.bool_], *, costs: Costs) -> Numbers:
    """Return broker commission, SEC fee and FINRA activity fee in USD; the fees apply to sales only."""
    broker = np.maximum(shares * costs.commission_per_share_usd, costs.min_commission_usd)
    sec_fee = shares * price * costs.sec_fee_rate
    taf = np.minimum(shares * costs.taf_per_share_usd, costs.taf_max_usd)
    due: Numbers = np.where(shares > 0, broker + is_sale * (sec_fee + taf), 0.0)
    return due


def slippage(
    shares: Numbers, price: Numbers, *, daily_volatility: Numbers, adv_shares: Numbers, costs: Costs
) -> Numbers:
    """Return the expected slippage in USD: half-spread and square-root impact."""
    known_volume = np.isfinite(adv_shares) & (adv_shares > 0)
    participation = np.where(known_volume, shares / np.where(known_volume, adv_shares, 1.0), 1.0)
    known_volatility = np.isfinite(daily_volatility) & (daily_volatility >= 0)
    volatility = np.where(known_volatility, daily_volatility, UNKNOWN_DAILY_VOLATILITY)
    impact = costs.impact_coefficient * volatility * np.sqrt(participation)
    with np.errstate(over="ignore"):  # an absurd volatility gives an infinite cost, which a check rejects
        lost: Numbers = shares * price * (costs.half_spread_bps * BASIS_POINT + impact)
    return lost
