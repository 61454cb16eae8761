"""Time the risk of a portfolio and the metrics of an equity curve, in this process: median of twenty runs."""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from tasks.backtest.metrics.bootstrap import intervals
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import measure as measure_curve
from tasks.backtest.metrics.tables import per_month, per_regime, per_year, rolling, worst_drawdowns
from tasks.core.sessions import sessions_ending
from tasks.risk.assessment import assess
from tasks.risk.tail_models import losses_by_method
from tests.bench.table import Row, table
from tests.builders import FRIDAY, make_settings

RUNS = 20
NAMES, HELD, SESSIONS, TEN_YEARS = 500, 40, 252, 2_520


def measure() -> dict[str, str]:
    """Return the table of risk and metrics."""
    risk = make_settings().risk
    rng = np.random.default_rng(0)
    market = rng.normal(0, 0.01, SESSIONS)
    names = [f"N{number:03d}" for number in range(NAMES)]
    returns = pd.DataFrame(market[:, None] + rng.normal(0, 0.02, (SESSIONS, NAMES)), columns=names)
    weights = pd.Series(1 / HELD, index=names[:HELD])
    sectors = dict(
        zip(names, [list(risk.scenarios["pandemic_2020"].sectors)[n % 11] for n in range(NAMES)], strict=True)
    )
    book = returns[names[:HELD]].mean(axis=1).to_numpy()
    curve = _curve(rng)

    def tables() -> None:
        measure_curve(curve), per_year(curve), per_regime(curve), per_month(curve)
        rolling(curve, window=126), worst_drawdowns(curve, count=5)

    rows = [
        _row(
            "VaR and CVaR by three methods, 252 sessions",
            20.0,
            lambda: losses_by_method(book, 0.95, seed=1, paths=risk.monte_carlo_paths),
        ),
        _row(
            "Risk of 40 positions among 500 names, 252 sessions",
            20.0,
            lambda: assess(weights, returns, market, sectors, drawdown=0.0, settings=risk, seed=1),
        ),
        _row("Figures and tables of an equity curve of ten years", None, tables),
        _row(
            "Confidence intervals of that curve, 1,000 resamples",
            None,
            lambda: intervals(curve, seed=1),
            runs=3,
        ),
    ]
    return {"Risk and metrics, processor time": table(rows)}


def _curve(rng: np.random.Generator) -> Curve:
    count = TEN_YEARS + 1
    returns = rng.normal(0.0005, 0.01, TEN_YEARS)
    return Curve(
        sessions=np.array(sessions_ending(FRIDAY, count), dtype="datetime64[D]"),
        equity_usd=1e6 * np.concatenate([[1.0], np.cumprod(1 + returns)]),
        exposure=np.ones(count),
        buys_usd=np.full(count, 1e4),
        sells_usd=np.full(count, 1e4),
        benchmark=rng.normal(0.0004, 0.01, count),
        risk_free=np.full(count, 0.0001),
        regime=np.where(rng.random(count) < 0.1, "BEAR", "BULL"),
    )


def _row(work: str, goal_ms: float | None, run: Callable[[], object], *, runs: int = RUNS) -> Row:
    run()
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        run()
        seconds.append(time.process_time() - started)
    taken = 1_000 * statistics.median(seconds)
    return Row(work, f"{taken:,.1f} ms", "–", "–", f"< {goal_ms:.0f} ms" if goal_ms else "–")
