"""The limits shown next to the figures of changes to a day: those of the report's table, of number and of cost."""

from collections.abc import Iterable

from config.settings import Settings
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.reporting.review.schema import Limits


def effect_limits(
    settings: Settings, *, exposure_cap: float, equity_usd: float, sectors: Iterable[str]
) -> Limits:
    """Return the limits as the settings state them; `exposure_cap` is the regime's."""
    is_limited = settings.portfolio.unknown_sector != "each_its_own"
    return Limits(
        trades=settings.trades.max_trades,
        invested_frac=exposure_cap,
        cost_usd=settings.safety.max_cost_frac * equity_usd,
        volatility_frac=settings.risk.max_volatility,
        var_frac=settings.risk.daily_budget_frac,
        sectors={
            name: settings.portfolio.max_sector_frac
            for name in sorted(sectors)
            if is_limited or name != UNKNOWN_SECTOR
        },
    )
