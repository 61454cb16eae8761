"""The portfolio once a list of trades is filled: its figures and their limits. Pure.

The report states them for each trade struck, the review page for every change that a person tries out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum

import pandas as pd

from config.settings import Settings
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH


@dataclass(frozen=True)
class BookFigures:
    """The portfolio after the trades. Invested share, turnover and sectors are fractions of the equity before them.

    So are the limits, and the checks: the equity after the costs would make every weight a little larger. Volatility
    and value at risk are those of the portfolio after the trades, as in the risk limits.
    """

    cash_usd: float
    invested_frac: float
    turnover_frac: float
    cost_usd: float
    volatility_frac: float  # annual
    var_usd: float  # of one day
    var_frac: float
    sectors: Mapping[str, float]  # weight by sector, largest first


@dataclass(frozen=True)
class Limits:
    """The most that each of the figures may be, in the same units; a sector without an entry has no limit."""

    trades: int
    invested_frac: float
    cost_usd: float
    volatility_frac: float
    var_frac: float
    sectors: Mapping[str, float]


def figures_of(
    after: pd.DataFrame,
    sectors: pd.Series,
    risk: Mapping[str, float],
    *,
    equity_usd: float,
    turnover_frac: float,
    cost_usd: float,
) -> BookFigures:
    """Return the figures of the portfolio after the trades.

    `after`: shares and price by symbol, with CASH. `sectors` by symbol, at least of the names held. `risk`: of the
    weights after the trades, as `portfolio_risk` returns it. `equity_usd` is that before the trades.
    """
    value = after["shares"] * after["price"]
    weights = value.drop(CASH) / equity_usd
    by_name = sectors.reindex(weights.index).fillna(UNKNOWN_SECTOR)
    return BookFigures(
        cash_usd=float(after["shares"][CASH]),
        invested_frac=float(weights.sum()),
        turnover_frac=turnover_frac,
        cost_usd=cost_usd,
        volatility_frac=risk["volatility"],
        var_usd=risk["var_1d"] * float(value.sum()),
        var_frac=risk["var_1d"],
        sectors=sector_weights(by_name, weights),
    )


def sector_weights(sectors: Iterable[str], weights: Iterable[float]) -> dict[str, float]:
    """Return the weight of each sector, largest first, from the sector and weight of each name."""
    parts: dict[str, list[float]] = {}
    for sector, weight in zip(sectors, weights, strict=True):
        parts.setdefault(str(sector), []).append(weight)
    sums = {name: fsum(parts[name]) for name in sorted(parts)}
    return dict(sorted(sums.items(), key=lambda one: one[1], reverse=True))


def limits_of(
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
