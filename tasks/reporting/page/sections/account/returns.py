"""The account by day, month, year and since the start; its ratios and months, from the history's rows.

Dollars are net of capital flows and include dividends due. Annualized figures are withheld below 60 sessions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.metrics.figures import MIN_SESSIONS
from tasks.reporting.day.history import levels, numbers, period_starts
from tasks.risk.ratios import annual_volatility, cagr, sharpe

Floats = NDArray[np.float64]
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Period:
    """One period that ends today, measured from the close `since`. `benchmark` is NaN if a row of it has no return."""

    key: str
    label: str
    since: date
    sessions: int
    usd: float
    own: float
    benchmark: float

    @property
    def ahead(self) -> float:
        return self.own - self.benchmark


@dataclass(frozen=True)
class Ratio:
    """One figure of the account with its number of sessions; NaN where it is withheld or unknown."""

    label: str
    value: float
    sessions: int
    is_percent: bool
    is_withheld: bool = False


@dataclass(frozen=True)
class Year:
    """The returns of a calendar year's months, None where there was no session, and of the whole year."""

    year: int
    months: tuple[float | None, ...]
    whole: float


def rows_with(history: pd.DataFrame, row: dict[str, str]) -> pd.DataFrame:
    """Return the earlier rows and the session's own."""
    return pd.concat([history, pd.DataFrame([row], dtype=str)], ignore_index=True).fillna("")


def periods(rows: pd.DataFrame) -> tuple[Period, ...]:
    """Return day, month, year and all; none for a single row. A period begins at the last close before it."""
    if len(rows) < 2:
        return ()
    days = [date.fromisoformat(text) for text in rows["date"]]
    labels = {"day": "Day", "month": "Month to date", "year": "Year to date", "start": "Since the start"}
    level, dollars = levels(rows), _dollars(rows)
    market = numbers(rows["benchmark_return"])
    return tuple(
        Period(
            key,
            labels[key],
            days[place],
            len(days) - 1 - place,
            float(dollars[-1] - dollars[place]),
            float(level[-1] / level[place] - 1),
            float(np.prod(1 + market[place + 1 :]) - 1),
        )
        for key, place in period_starts(rows).items()
    )


def ratios(rows: pd.DataFrame) -> tuple[Ratio, ...]:
    """Return the ratios of the account. The history has no risk-free rate: it is taken as 0."""
    level = levels(rows)
    returns = level[1:] / level[:-1] - 1
    count = len(returns)
    if not count:
        return ()
    days = [date.fromisoformat(text) for text in rows["date"]]
    market = numbers(rows["benchmark_return"])[1:]
    compared = np.isfinite(market)
    ahead = returns[compared] > market[compared]
    return (
        _annual("Annualized return", lambda: cagr(float(level[-1] / level[0]), days[0], days[-1]), count),
        _annual("Volatility a year", lambda: annual_volatility(returns), count),
        _annual(
            "Sharpe ratio, risk-free rate 0", lambda: sharpe(returns, np.zeros(count)), count, percent=False
        ),
        Ratio("Sessions with a gain", float((returns > 0).mean()), count, is_percent=True),
        Ratio(
            "Sessions ahead of the benchmark",
            float(ahead.mean()) if len(ahead) else float("nan"),
            int(compared.sum()),
            is_percent=True,
        ),
        Ratio("Best session", float(returns.max()), count, is_percent=True),
        Ratio("Worst session", float(returns.min()), count, is_percent=True),
    )


def by_month(rows: pd.DataFrame) -> tuple[Year, ...]:
    """Return the returns by calendar month, latest year first; the first month begins at the first row."""
    level = levels(rows)
    days = [date.fromisoformat(text) for text in rows["date"]]
    ends = {(day.year, day.month): place for place, day in enumerate(days)}
    years = sorted({year for year, _ in ends}, reverse=True)
    if len(days) < 2:
        return ()
    return tuple(
        Year(
            year,
            tuple(
                _return_of_month(level, ends, (year, month)) if (year, month) in ends else None
                for month in range(1, MONTHS_A_YEAR + 1)
            ),
            float(
                level[max(place for (each, _), place in ends.items() if each == year)]
                / level[max(_last_before(days, date(year, 1, 1)), 0)]
                - 1
            ),
        )
        for year in years
    )


def _annual(label: str, measure: Callable[[], float], sessions: int, *, percent: bool = True) -> Ratio:
    withheld = sessions < MIN_SESSIONS
    return Ratio(label, float("nan") if withheld else measure(), sessions, percent, withheld)


def _return_of_month(level: Floats, ends: dict[tuple[int, int], int], month: tuple[int, int]) -> float:
    before = [place for other, place in ends.items() if other < month]
    return float(level[ends[month]] / level[max(before, default=0)] - 1)


def _last_before(days: list[date], first: date) -> int:
    """Return the last row before the date; the first row if there is none."""
    return max((place for place, day in enumerate(days) if day < first), default=0)


def _dollars(rows: pd.DataFrame) -> Floats:
    receivable, flows = (
        np.nan_to_num(numbers(rows[name])) if name in rows else np.zeros(len(rows))
        for name in ("receivable", "net_flows")
    )
    return np.asarray(numbers(rows["equity"]) + receivable - flows)
