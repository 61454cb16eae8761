"""Estimate the cost of trades: commission, fees, half-spread and market impact.

One model for the day, the backtest and the analysis of real fills. Prices, volatilities and volumes come from the
caller. docs/costs.md has the formulas and the sources of the coefficients.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.costs_section import Costs, OrderType, VolatilityIndex
from tasks.costs.fees import sec_fee_on, taf_on
from tasks.costs.orders import terms_of
from tasks.costs.spread import half_spread

Numbers = NDArray[np.float64]
Cents = NDArray[np.int64]

UNKNOWN_DAILY_VOLATILITY = 0.05  # three times that of a typical stock: an unknown one must not look cheap
MILLION = 1e6


class Conditions(NamedTuple):
    """Market conditions for the trades of one session; arrays have one entry per trade."""

    price: Numbers  # USD
    daily_volatility: Numbers  # a fraction per session; NaN where unknown
    adv_shares: Numbers  # average daily volume; NaN where unknown
    trade_date: date
    index_multiplier: float = 1.0  # of the volatilities, from `multiplier_of`
    quoted_half_spread: Numbers | None = (
        None  # a fraction of the price; replaces the estimate where it is finite
    )


class CostEstimate(NamedTuple):
    """Costs in USD, one entry per trade, never negative."""

    broker_usd: Numbers
    sec_fee_usd: Numbers
    taf_usd: Numbers
    spread_usd: Numbers
    impact_usd: Numbers
    participation: Numbers  # shares / volume that trades while the order does

    @property
    def commission_usd(self) -> Numbers:
        """The broker's commission and the fees."""
        return self.broker_usd + self.sec_fee_usd + self.taf_usd

    @property
    def slippage_usd(self) -> Numbers:
        """Half-spread and impact."""
        return self.spread_usd + self.impact_usd

    @property
    def total_usd(self) -> float:
        return float(self.commission_usd.sum() + self.slippage_usd.sum())


def estimate(
    shares: Numbers,
    is_sale: NDArray[np.bool_],
    conditions: Conditions,
    *,
    costs: Costs,
    order_type: OrderType | None = None,
    half_hour: int | None = None,
) -> CostEstimate:
    """Return the cost of each trade; `shares` are positive. No trades give empty arrays.

    Order type and half-hour (0 is 09:30 to 10:00) default to the settings. A trade in a name of unknown
    volume counts as a whole day's volume; an unknown volatility counts as a high one.
    """
    price, adv_shares = conditions.price, conditions.adv_shares
    terms = terms_of(
        order_type or costs.orders.type,
        half_hour=costs.orders.half_hour if half_hour is None else half_hour,
        costs=costs,
    )
    adv = np.where(np.isfinite(adv_shares) & (adv_shares > 0), adv_shares, np.maximum(shares, 1.0))
    notional_usd = shares * price
    is_traded = notional_usd > 0
    # an absurd volatility gives an infinite cost, which a check rejects; a name without a price is not traded
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        volatility = _volatility(conditions)
        spread = half_spread(price, volatility, adv * price, spread=costs.spread)
        if conditions.quoted_half_spread is not None:
            quoted = conditions.quoted_half_spread
            spread = np.where(np.isfinite(quoted), quoted, spread)
        participation = shares / (adv * terms.window_volume_frac)
        impact = volatility * (
            costs.impact.square_root * np.sqrt(shares / adv) + costs.impact.linear * participation
        )
        spread_usd = np.where(is_traded, notional_usd * (spread * terms.spread_multiple), 0.0)
        impact_usd = np.where(is_traded, notional_usd * impact, 0.0)
    sec_fee = sec_fee_on(conditions.trade_date, fees=costs.fees)
    taf = taf_on(conditions.trade_date, fees=costs.fees)
    broker_usd = np.maximum(shares * costs.commission_per_share_usd, costs.min_commission_usd)
    return CostEstimate(
        broker_usd=costs.multiple * np.where(shares > 0, broker_usd, 0.0),
        sec_fee_usd=costs.multiple
        * np.where(is_sale, notional_usd * (sec_fee.usd_per_million / MILLION), 0.0),
        taf_usd=costs.multiple * np.where(is_sale, np.minimum(shares * taf.usd_per_share, taf.max_usd), 0.0),
        spread_usd=costs.multiple * spread_usd,
        impact_usd=costs.multiple * impact_usd,
        participation=participation,
    )


def multiplier_of(levels: Numbers, *, index: VolatilityIndex) -> float:
    """Return the volatility index of the last session relative to its mean, within the bounds of the settings.

    `levels` in percent, one per session up to today, NaN where missing. A daily volatility over a quarter reacts
    slowly; the index moves in a day. Without a level for the last session the multiplier is 1.
    """
    recent = levels[-index.mean_sessions :]
    known = recent[np.isfinite(recent) & (recent > 0)]
    if not known.size or known[-1] != recent[-1]:
        return 1.0
    return float(np.clip(known[-1] / known.mean(), index.min_multiplier, index.max_multiplier))


def whole_cents(usd: Numbers) -> Cents:
    """Return amounts in cents, rounded up: an estimate is never below its cost."""
    cents: Cents = np.ceil(usd * 100 - 1e-6).astype(np.int64)
    return cents


def _volatility(conditions: Conditions) -> Numbers:
    given = conditions.daily_volatility
    known = np.where(np.isfinite(given) & (given >= 0), given, UNKNOWN_DAILY_VOLATILITY)
    scaled: Numbers = known * conditions.index_multiplier
    return scaled
