"""Read benchmark, volatility index and risk-free rate for each session of a panel."""

import numpy as np
import pandas as pd

from tasks.data.panel.grid import Floats, align, days_of
from tasks.data.schema.records import Days


def market_level(levels: pd.DataFrame, name: str, window: Days) -> Floats:
    """Return the benchmark's total-return level, compounded from its first close; NaN where missing."""
    one = levels[levels["name"] == name].sort_values("session")
    if one.empty:
        return np.full(len(window), np.nan)
    growth = one["growth"].to_numpy(dtype=np.float64).copy()
    growth[0] = one["close"].iloc[0]
    return align(days_of(one["session"]), np.cumprod(growth), window)


def level_of(levels: pd.DataFrame, name: str, window: Days) -> Floats:
    """Return the close of the named index on each session; NaN where missing."""
    one = levels[levels["name"] == name].sort_values("session")
    return align(days_of(one["session"]), one["close"].to_numpy(dtype=np.float64), window)


def risk_free_rate(frame: pd.DataFrame, window: Days) -> Floats:
    """Return the last published annual yield as a fraction; 0 before the first."""
    known = frame[np.isfinite(frame["yield_pct"])].sort_values("session")
    last = np.searchsorted(days_of(known["session"]), window, side="right") - 1
    values: Floats = np.r_[0.0, known["yield_pct"].to_numpy(dtype=np.float64) / 100.0]
    result: Floats = values[last + 1]
    return result
