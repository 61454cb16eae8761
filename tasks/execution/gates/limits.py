"""The limits of the gates, read once from the settings, exact. A setting that is absent cannot be loaded."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from config.settings import Settings


@dataclass(frozen=True)
class Limits:
    """Fractions are of the equity that was approved, unless a gate says otherwise."""

    account: str
    mode: str
    allows_live: bool
    price_band_frac: Decimal
    max_clock_skew: timedelta
    max_quote_age: timedelta
    max_limit_deviation_frac: Decimal
    min_price_usd: Decimal
    max_equity_change_frac: Decimal
    max_daily_orders: int
    max_trades: int
    max_buys_frac: Decimal
    max_entry_buys_frac: Decimal
    max_daily_notional_frac: Decimal
    max_trade_frac: Decimal
    max_position_frac: Decimal
    no_new_positions: frozenset[str]
    states: frozenset[str]
    spends_unsettled: bool
    ramp_sessions: int
    ramp_max_buys_frac: Decimal
    ramp_max_trade_frac: Decimal
    ramp_max_new_names: int
    max_name_sessions: int

    @property
    def moved(self) -> Decimal:
        """What a fraction may grow by while prices stay within the approved band."""
        return 1 + self.price_band_frac


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings state."""
    execution, safety, regime = settings.execution, settings.safety, settings.regime
    return Limits(
        account=settings.approval.account,
        mode=settings.approval.mode,
        allows_live=execution.allows_live,
        price_band_frac=_exact(settings.approval.price_band_frac),
        max_clock_skew=timedelta(seconds=execution.max_clock_skew_s),
        max_quote_age=timedelta(seconds=execution.max_quote_age_s),
        max_limit_deviation_frac=_exact(execution.max_limit_deviation_frac),
        min_price_usd=_exact(execution.min_price_usd),
        max_equity_change_frac=_exact(execution.max_equity_change_frac),
        max_daily_orders=execution.max_daily_orders,
        max_trades=settings.trades.max_trades,
        max_buys_frac=_exact(safety.max_buys_frac),
        max_entry_buys_frac=_exact(safety.max_entry_buys_frac),
        max_daily_notional_frac=_exact(safety.max_daily_notional_frac),
        max_trade_frac=_exact(safety.max_trade_frac),
        max_position_frac=_exact(settings.portfolio.max_position_frac),
        no_new_positions=frozenset(regime.no_new_positions),
        states=frozenset(regime.exposure_cap),
        spends_unsettled=execution.spends_unsettled,
        ramp_sessions=execution.ramp_sessions,
        ramp_max_buys_frac=_exact(execution.ramp_max_buys_frac),
        ramp_max_trade_frac=_exact(execution.ramp_max_trade_frac),
        ramp_max_new_names=execution.ramp_max_new_names,
        max_name_sessions=execution.max_name_sessions,
    )


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
