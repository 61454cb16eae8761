"""Estimate what trades will cost: commission and fees, half the spread, and their own impact on the price.

The same function prices a day's trades and a backtest's. It never decides whether a trade is worth its cost,
and never reads a market: whoever calls hands in prices, volatilities and volumes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.sections import Costs

Numbers = NDArray[np.float64]

BASIS_POINT = 1e-4
UNKNOWN_DAILY_VOLATILITY = 0.05  # three times a usual stock's: what is unknown must not look cheap


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
    """Return the cost of each trade; `shares` are positive, `daily_volatility` is a fraction per session.

    Where the average daily volume is unknown the trade counts as a whole day's volume, and where the volatility
    is unknown a high one is taken. No trades give empty arrays.
    """
    return CostEstimate(
        commission(shares, price, is_sale, costs=costs),
        slippage(shares, price, daily_volatility=daily_volatility, adv_shares=adv_shares, costs=costs),
    )


def commission(shares: Numbers, price: Numbers, is_sale: NDArray[np.bool_], *, costs: Costs) -> Numbers:
    """Return what broker, SEC and FINRA charge. The last two charge sellers only."""
    broker = np.maximum(shares * costs.commission_per_share_usd, costs.min_commission_usd)
    sec_fee = shares * price * costs.sec_fee_rate
    taf = np.minimum(shares * costs.taf_per_share_usd, costs.taf_max_usd)
    due: Numbers = np.where(shares > 0, broker + is_sale * (sec_fee + taf), 0.0)
    return due


def slippage(
    shares: Numbers, price: Numbers, *, daily_volatility: Numbers, adv_shares: Numbers, costs: Costs
) -> Numbers:
    """Return what the fill is expected to lose against the price: half-spread and square-root impact."""
    known_volume = np.isfinite(adv_shares) & (adv_shares > 0)
    participation = np.where(known_volume, shares / np.where(known_volume, adv_shares, 1.0), 1.0)
    known_volatility = np.isfinite(daily_volatility) & (daily_volatility >= 0)
    volatility = np.where(known_volatility, daily_volatility, UNKNOWN_DAILY_VOLATILITY)
    impact = costs.impact_coefficient * volatility * np.sqrt(participation)
    with np.errstate(
        over="ignore"
    ):  # a volatility that cannot be makes a trade infinitely dear, which a check refuses
        lost: Numbers = shares * price * (costs.half_spread_bps * BASIS_POINT + impact)
    return lost
