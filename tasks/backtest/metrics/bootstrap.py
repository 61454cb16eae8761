"""Confidence intervals of the figures by the stationary block bootstrap of `arch` (Politis and Romano).

Sessions are drawn in blocks of random length, so that volatility clusters are preserved. The return, the benchmark and
the risk-free rate of a session are drawn together.
"""

import math
from typing import NamedTuple

import numpy as np

from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import MIN_SESSIONS
from tasks.core.errors import DataError
from tasks.risk.ratios import (
    DAYS_PER_YEAR,
    NO_SPREAD,
    Numbers,
    annual_volatility,
    beta_and_alpha,
    calmar,
    max_drawdown,
    sharpe,
    sortino,
)

FIGURES = ("cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "beta", "alpha")
RESAMPLES = 1000
LEVEL = 0.95


class Interval(NamedTuple):
    """A percentile interval. NaN where the figure is withheld."""

    low: float
    high: float
    sessions: int


def intervals(
    curve: Curve, *, seed: int, level: float = LEVEL, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """Return the interval of each of FIGURES; all are withheld below 60 sessions or without any movement."""
    rows = np.column_stack([curve.returns, curve.benchmark[1:], curve.risk_free[1:]])
    drawn = _resampled(rows, 1, curve, seed=seed, resamples=resamples)
    return {name: _interval(drawn[:, place], level, len(rows)) for place, name in enumerate(FIGURES)}


def paired_differences(
    one: Curve, other: Curve, *, seed: int, level: float = LEVEL, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """Return the interval of `one` minus `other` for each of FIGURES, both measured on the same drawn sessions.

    Common movements of the curves cancel out, so the interval is narrower than either curve's. Raises DataError unless
    their sessions are the same.
    """
    if not np.array_equal(one.sessions, other.sessions):
        raise DataError(
            "A paired comparison needs two equity curves over the same sessions.",
            remedy="Run both backtests over the same sessions.",
        )
    rows = np.column_stack([one.returns, other.returns, one.benchmark[1:], one.risk_free[1:]])
    drawn = _resampled(rows, 2, one, seed=seed, resamples=resamples)
    gap = drawn[:, : len(FIGURES)] - drawn[:, len(FIGURES) :]
    return {name: _interval(gap[:, place], level, len(rows)) for place, name in enumerate(FIGURES)}


def block_sessions(returns: Numbers) -> float:
    """Return the mean block length: the larger of Politis and White's for returns and for their sizes, at least 1."""
    from arch.bootstrap import optimal_block_length

    lengths = [float(optimal_block_length(each)["stationary"].iloc[0]) for each in (returns, np.abs(returns))]
    return max(1.0, *(length for length in lengths if np.isfinite(length)))


def _resampled(rows: Numbers, curves: int, curve: Curve, *, seed: int, resamples: int) -> Numbers:
    """Return the figures of every resample: resamples × (curves × FIGURES); NaN where they are withheld.

    The first `curves` columns of `rows` are returns; then the benchmark and the risk-free rate.
    """
    if len(rows) < MIN_SESSIONS or (rows[:, :curves].std(axis=0) <= NO_SPREAD).any():
        return np.full((resamples, curves * len(FIGURES)), np.nan)
    from arch.bootstrap import StationaryBootstrap

    years = (curve.last - curve.first).days / DAYS_PER_YEAR
    block = max(block_sessions(rows[:, one]) for one in range(curves))

    def measured(drawn: Numbers) -> Numbers:
        *own, benchmark, risk_free = drawn.T
        return np.concatenate([_figures(each, benchmark, risk_free, years) for each in own])

    drawn: Numbers = StationaryBootstrap(math.ceil(block), rows, seed=seed).apply(measured, resamples)
    return drawn


def _figures(returns: Numbers, benchmark: Numbers, risk_free: Numbers, years: float) -> Numbers:
    level = np.concatenate([[1.0], np.cumprod(1 + returns)])
    growth = float(level[-1]) ** (1 / years) - 1
    deepest = max_drawdown(level)
    beta, alpha = beta_and_alpha(returns, benchmark, risk_free)
    values = {
        "cagr": growth,
        "volatility": annual_volatility(returns),
        "sharpe": sharpe(returns, risk_free),
        "sortino": sortino(returns, risk_free),
        "max_drawdown": deepest,
        "calmar": calmar(growth, deepest),
        "beta": beta,
        "alpha": alpha,
    }
    return np.array([values[name] for name in FIGURES])


def _interval(drawn: Numbers, level: float, sessions: int) -> Interval:
    present = drawn[np.isfinite(drawn)]
    if not present.size:
        return Interval(float("nan"), float("nan"), sessions)
    low, high = np.quantile(present, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), sessions)
