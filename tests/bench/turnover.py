"""Walk a home's history with and without turnover control: turnover, cost, and Sharpe ratios before and after costs.

`python -m tests.bench.turnover HOME MODEL OPTIMIZER [OPTIMIZER ...] [--from D] [--to D]` prints one row per optimizer
and rule, and its effect, with the paired bootstrap interval of the difference of the net Sharpe ratios.
Scores are read from the home; the first run computes them.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.settings import Settings
from flows.commands import run_of
from flows.operations.homes.inspection import snapshot_of
from flows.operations.research.backtest import candidates_of, scores_of
from flows.terminal import Options
from tasks.backtest.combination import Combination, curve_of, rows_of_walk, run_combination
from tasks.backtest.halts import Halts
from tasks.backtest.metrics.bootstrap import Interval, paired_differences
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import yearly_turnover
from tasks.backtest.regimes import regimes_of
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_world
from tasks.backtest.session_decision import Signals
from tasks.backtest.signals import regime_path, signals_of
from tasks.backtest.world import World
from tasks.risk.ratios import SESSIONS_PER_YEAR, sharpe

WITHOUT = {
    "portfolio": {"keep_rank_multiple": 1.0, "costs_per_year": 0.0},
    "trades": {"min_drift_frac": 0.0},
}
HEAD = (
    "| optimizer | rule | turnover a year | cost a year | Sharpe before cost | after cost | difference (95%) |\n"
    "|---|---|---|---|---|---|---|"
)


class Market(NamedTuple):
    """What is walked."""

    world: World
    signals: Signals
    states: NDArray[np.str_]
    volatility_pct: NDArray[np.float64]
    settings: Settings


class Measured(NamedTuple):
    """The figures of one walk."""

    curve: Curve
    turnover: float
    cost_frac: float  # of the equity, a year
    gross_sharpe: float
    net_sharpe: float


def market_of(home: Path, model: str) -> Market:
    """Return the home's history with the model's signals."""
    with run_of(Options(home=home), None, "measure turnover", step_back=True) as run:
        settings = run.settings
        (candidate,) = candidates_of((model,), settings)
        snapshot = snapshot_of(run.home, settings)
        world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
        scores = scores_of(run, snapshot, world, candidate)
        regime = regime_path(regimes_of(snapshot, world, settings.regime), settings.regime)
        signals = signals_of(
            world,
            scores.values,
            scores.folds,
            regime.allowed,
            kind=candidate.kind,
            optimizer=settings.portfolio.optimizer,
            models=settings.models,
        )
        return Market(world, signals, regime.states, regime.volatility_pct, settings)


def without_precedence(settings: Settings) -> Settings:
    """Return the settings under which what is held does not matter."""
    changed = {
        section: getattr(settings, section).model_copy(update=values) for section, values in WITHOUT.items()
    }
    return settings.model_copy(update=changed)


def measure_walk(market: Market, optimizer: str, first: date | None, last: date | None) -> Measured:
    """Walk the market from cash alone and measure it."""
    world, signals, states, _, settings = market
    start, stop = (world.sessions[row].item() for row in rows_of_walk(world, signals.scores, first, last))
    course = run_combination(
        world,
        replace(signals, optimizer=optimizer),
        settings,
        Combination("measured", optimizer, start, stop, "next_open", 1, after_halt="ignore"),
        Halts(world, settings, market.volatility_pct, after="ignore"),
    )
    curve = curve_of(course.totals, world, states)
    cost_frac = course.totals.costs[1:] / course.totals.equity[:-1]
    risk_free = curve.risk_free[1:]
    return Measured(
        curve,
        yearly_turnover(curve.turnover),
        float(cost_frac.mean()) * SESSIONS_PER_YEAR,
        sharpe(curve.returns + cost_frac, risk_free),
        sharpe(curve.returns, risk_free),
    )


def rows_of(market: Market, optimizer: str, first: date | None, last: date | None) -> list[str]:
    """Return the rows of one optimizer."""
    before = measure_walk(
        market._replace(settings=without_precedence(market.settings)), optimizer, first, last
    )
    after = measure_walk(market, optimizer, first, last)
    gap = paired_differences(after.curve, before.curve, seed=1)["sharpe"]
    return [_row(optimizer, "none", before, None), _row(optimizer, "turnover control", after, gap)]


def _row(optimizer: str, rule: str, measured: Measured, gap: Interval | None) -> str:
    difference = "–" if gap is None else f"{gap.low:+.2f} to {gap.high:+.2f}"
    return (
        f"| `{optimizer}` | {rule} | {measured.turnover:.1f} | {100 * measured.cost_frac:.2f}% "
        f"| {measured.gross_sharpe:.2f} | {measured.net_sharpe:.2f} | {difference} |"
    )


def main(words: Sequence[str]) -> None:
    """Print the table of one home."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("model")
    parser.add_argument("optimizers", nargs="+")
    parser.add_argument("--from", dest="first", type=date.fromisoformat)
    parser.add_argument("--to", dest="last", type=date.fromisoformat)
    given = parser.parse_args(words)
    market = market_of(given.home, given.model)
    sys.stdout.write(HEAD + "\n")
    for optimizer in given.optimizers:
        for row in rows_of(market, optimizer, given.first, given.last):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
