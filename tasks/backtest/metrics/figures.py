"""Measure an equity curve: one figure per name, each with its number of sessions.

Annualized figures are withheld below 60 sessions, and every figure is marked as short below 252. docs/metrics.md
defines each of them.
"""

from typing import Literal, NamedTuple

import numpy as np

from tasks.backtest.metrics.curve import Curve
from tasks.risk.ratios import (
    SESSIONS_PER_YEAR,
    Numbers,
    annual_volatility,
    beta_and_alpha,
    cagr,
    calmar,
    known,
    max_drawdown,
    sharpe,
    sortino,
    total_return,
)

MIN_SESSIONS = 60
SHORT_SESSIONS = SESSIONS_PER_YEAR

Standing = Literal["full", "short", "withheld"]

ANNUALISED = frozenset(
    {"cagr", "volatility", "sharpe", "sortino", "calmar", "turnover", "alpha", "beta", "benchmark_cagr"}
)


class Figure(NamedTuple):
    """A figure with its number of sessions. A withheld figure is NaN."""

    value: float
    sessions: int
    standing: Standing


def measure(curve: Curve) -> dict[str, Figure]:
    """Return every figure of the curve, in the order of docs/metrics.md."""
    returns, benchmark, risk_free = curve.returns, curve.benchmark[1:], curve.risk_free[1:]
    growth = cagr(curve.equity_usd[-1] / curve.equity_usd[0], curve.first, curve.last)
    deepest = max_drawdown(curve.equity_usd)
    beta, alpha = beta_and_alpha(returns, benchmark, risk_free)
    compared = int((np.isfinite(benchmark) & np.isfinite(risk_free)).sum())
    own = len(returns)
    priced = int(np.isfinite(risk_free).sum())
    values = {
        "total_return": (curve.equity_usd[-1] / curve.equity_usd[0] - 1, own),
        "cagr": (growth, own),
        "volatility": (annual_volatility(returns), own),
        "sharpe": (sharpe(returns, risk_free), priced),
        "sortino": (sortino(returns, risk_free), priced),
        "max_drawdown": (deepest, own),
        "calmar": (calmar(growth, deepest), own),
        "turnover": (yearly_turnover(curve.turnover), own),
        "win_rate": (win_rate(returns), int((returns != 0).sum())),
        "exposure": (mean(curve.exposure[:-1]), own),
        "beta": (beta, compared),
        "alpha": (alpha, compared),
        "benchmark_return": (total_return(benchmark), len(known(benchmark))),
        "benchmark_cagr": (
            cagr(1 + total_return(benchmark), curve.first, curve.last),
            len(known(benchmark)),
        ),
    }
    return {name: figure(name, float(value), sessions) for name, (value, sessions) in values.items()}


def figure(name: str, value: float, sessions: int) -> Figure:
    """Withhold the figure or mark it as short, by its number of sessions."""
    if sessions == 0 or (name in ANNUALISED and sessions < MIN_SESSIONS):
        return Figure(float("nan"), sessions, "withheld")
    return Figure(value, sessions, "short" if sessions < SHORT_SESSIONS else "full")


def yearly_turnover(turnover: Numbers) -> float:
    """Return the mean turnover of a session × 252; NaN for no sessions."""
    return mean(turnover) * SESSIONS_PER_YEAR


def win_rate(returns: Numbers) -> float:
    """Return the share of sessions with a gain among those with a gain or a loss; NaN if there are none."""
    moved = known(returns)
    moved = moved[moved != 0]
    return float((moved > 0).mean()) if moved.size else float("nan")


def mean(values: Numbers) -> float:
    """Return the mean of the known values; NaN if there are none."""
    present = known(values)
    return float(present.mean()) if present.size else float("nan")
