"""Break an equity curve down: by year, by regime, by month, over rolling windows, and into drawdowns."""

import numpy as np
import pandas as pd

from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import figure, mean, win_rate, yearly_turnover
from tasks.data.schema.records import Mask
from tasks.risk.ratios import (
    NO_SPREAD,
    SESSIONS_PER_YEAR,
    Numbers,
    annual_volatility,
    drawdowns,
    max_drawdown,
    sharpe,
    total_return,
)

PARTIAL = (
    "sessions",
    "total_return",
    "benchmark_return",
    "volatility",
    "sharpe",
    "max_drawdown",
    "turnover",
    "win_rate",
    "exposure",
    "standing",
)


def per_year(curve: Curve) -> pd.DataFrame:
    """Return the figures of each calendar year, index `year`; drawdowns start at the close of the year before."""
    years = curve.sessions[1:].astype("datetime64[Y]").astype(int) + 1970
    return _by_label(curve, years, "year")


def per_regime(curve: Curve) -> pd.DataFrame:
    """Return the figures of the sessions in each regime, index `regime`.

    A session counts towards the regime determined at the previous close, when its holdings were decided. Returns and
    drawdown chain the regime's sessions.
    """
    return _by_label(curve, curve.regime[:-1], "regime")


def per_month(curve: Curve) -> pd.DataFrame:
    """Return the return of each calendar month: index year, columns 1 to 12, NaN where there is no session."""
    months = curve.sessions[1:].astype("datetime64[M]").astype(np.int64)  # since January 1970
    columns = pd.RangeIndex(1, 13, name="month")
    if not months.size:
        return pd.DataFrame(columns=columns, index=pd.RangeIndex(0, name="year"), dtype=float)
    starts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
    year, month = np.divmod(months[starts], 12)
    table = np.full((year[-1] - year[0] + 1, 12), np.nan)
    table[year - year[0], month] = np.multiply.reduceat(1 + curve.returns, starts) - 1
    return pd.DataFrame(
        table, columns=columns, index=pd.RangeIndex(1970 + year[0], 1971 + year[-1], name="year")
    )


def rolling(curve: Curve, *, window: int) -> pd.DataFrame:
    """Return total_return, volatility, sharpe and beta over the last `window` sessions, index session.

    NaN until the window is full, and where a return within it is unknown.
    """
    excess, market = curve.returns - curve.risk_free[1:], curve.benchmark[1:] - curve.risk_free[1:]
    index = pd.DatetimeIndex(curve.sessions[1:], name="session")
    blank = np.full(len(index), np.nan)
    if len(index) < window:
        return pd.DataFrame(
            dict.fromkeys(("total_return", "volatility", "sharpe", "beta"), blank), index=index
        )
    own, other, plain = (
        np.lib.stride_tricks.sliding_window_view(a, window) for a in (excess, market, curve.returns)
    )
    spread = own.std(axis=1, ddof=1)
    variance = other.var(axis=1)
    shared = (own * other).mean(axis=1) - own.mean(axis=1) * other.mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "total_return": np.prod(1 + plain, axis=1) - 1,
            "volatility": plain.std(axis=1, ddof=1) * np.sqrt(SESSIONS_PER_YEAR),
            "sharpe": np.where(
                spread > NO_SPREAD, own.mean(axis=1) / spread * np.sqrt(SESSIONS_PER_YEAR), np.nan
            ),
            "beta": np.where(variance > NO_SPREAD**2, shared / variance, np.nan),
        }
    return pd.DataFrame(
        {name: np.concatenate([blank[: window - 1], values]) for name, values in columns.items()}, index=index
    )


def worst_drawdowns(curve: Curve, *, count: int) -> pd.DataFrame:
    """Return the deepest drawdowns, deepest first: peak, trough, recovery (NaT if none yet), depth, sessions.

    `sessions` counts from the peak to the recovery, or to the last session.
    """
    below = drawdowns(curve.equity_usd)
    edges = np.diff(np.concatenate([[0], (below < 0).astype(np.int64), [0]]))
    starts, ends = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
    rows = []
    for start, end in zip(starts, ends, strict=True):
        trough = start + int(below[start:end].argmin())
        has_recovered = end < len(below)
        rows.append(
            {
                "peak": pd.Timestamp(curve.sessions[start - 1]),
                "trough": pd.Timestamp(curve.sessions[trough]),
                "recovery": pd.Timestamp(curve.sessions[end]) if has_recovered else pd.NaT,
                "depth": float(below[trough]),
                "sessions": min(end, len(below) - 1) - (start - 1),
            }
        )
    table = pd.DataFrame(rows, columns=["peak", "trough", "recovery", "depth", "sessions"])
    return table.sort_values("depth", kind="stable", ignore_index=True).head(count)


def _by_label(curve: Curve, labels: np.ndarray, name: str) -> pd.DataFrame:
    rows = {label: _part(curve, labels == label) for label in np.unique(labels)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(PARTIAL))
    return table.rename_axis(index=name)


def _part(curve: Curve, chosen: Mask) -> dict[str, float | int | str]:
    """Return the figures of a selection of the sessions after the start; annualized ones are withheld below 60."""
    returns = curve.returns[chosen]
    level: Numbers = np.concatenate([[1.0], np.cumprod(1 + returns)])
    sessions = len(returns)
    values = {
        "total_return": total_return(returns),
        "benchmark_return": total_return(curve.benchmark[1:][chosen]),
        "volatility": annual_volatility(returns),
        "sharpe": sharpe(returns, curve.risk_free[1:][chosen]),
        "max_drawdown": max_drawdown(level),
        "turnover": yearly_turnover(curve.turnover[chosen]),
        "win_rate": win_rate(returns),
        "exposure": mean(curve.exposure[:-1][chosen]),
    }
    figures = {name: figure(name, value, sessions) for name, value in values.items()}
    return {
        "sessions": sessions,
        **{name: each.value for name, each in figures.items()},
        "standing": figures["sharpe"].standing,
    }
