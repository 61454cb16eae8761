"""The settings that size trades, as plain values: read once for many sessions."""

from dataclasses import dataclass

from config.costs_section import Costs
from config.settings import Settings


@dataclass(frozen=True)
class TradeRules:
    """Fractions are of the portfolio, except `max_adv_frac`: of the average daily volume."""

    min_notional_usd: float
    max_trades: int
    max_adv_frac: float
    min_weight_change_frac: float
    min_drift_frac: float  # of the target weight
    max_trade_frac: float
    max_buys_frac: float
    max_entry_buys_frac: float
    max_daily_notional_frac: float
    max_cost_frac: float
    costs: Costs


def trade_rules_of(settings: Settings, *, max_buys_frac: float = 1.0) -> TradeRules:
    """Return the rules of the settings. `max_buys_frac`: the regime's limit on the session's purchases."""
    trades, safety = settings.trades, settings.safety
    return TradeRules(
        min_notional_usd=trades.min_notional_usd,
        max_trades=trades.max_trades,
        max_adv_frac=trades.max_adv_frac,
        min_weight_change_frac=trades.min_weight_change_frac,
        min_drift_frac=trades.min_drift_frac,
        max_trade_frac=safety.max_trade_frac,
        max_buys_frac=min(safety.max_buys_frac, max_buys_frac),
        max_entry_buys_frac=min(safety.max_entry_buys_frac, max_buys_frac),
        max_daily_notional_frac=safety.max_daily_notional_frac,
        max_cost_frac=safety.max_cost_frac,
        costs=settings.costs,
    )
