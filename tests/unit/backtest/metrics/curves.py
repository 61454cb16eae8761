"""Equity curves for the tests of metrics."""

from datetime import date

import numpy as np

from tasks.backtest.metrics.curve import Curve
from tasks.core.sessions import sessions_ending


def make_curve(returns, *, start_usd: float = 100_000.0, last=date(2024, 6, 28), **columns) -> Curve:
    """Build a curve from the returns after the start. Scalars fill a column; arrays include the start."""
    equity = start_usd * np.concatenate([[1.0], np.cumprod(1 + np.asarray(returns, dtype=float))])
    count = len(equity)
    defaults = {
        "exposure": 1.0,
        "buys_usd": 0.0,
        "sells_usd": 0.0,
        "benchmark": np.nan,
        "risk_free": 0.0,
        "regime": "BULL",
    }
    filled = {
        name: np.full(count, value) if np.ndim(value) == 0 else np.asarray(value)
        for name, value in (defaults | columns).items()
    }
    sessions = np.array(sessions_ending(last, count), dtype="datetime64[D]")
    return Curve(sessions=sessions, equity_usd=equity, **filled)


def noise(count: int, *, seed: int = 0, mean: float = 0.0005, deviation: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, count)
