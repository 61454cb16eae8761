"""The weight-matrix job, compared with other backtesters: target weights of every session, traded at the close.

Every side gets the same prices in whole cents, starts with cash, trades towards the weights at each close and pays a
fraction of what it trades. Ours is `tasks.backtest.walk.walk` as every backtest runs it; only the decision comes from
the matrix. It fills at the next open, so the market is built so that this equals the previous close. Whole shares make
no difference because the account starts with so much cash. bt buys fewer shares than the others so that their costs are
within the target: the curves are also compared without costs.

The others need an environment of their own (`make backtesters`).
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import numpy as np

from tests.bench.measure import inside
from tests.bench.table import Row, table

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-backtesters" / "bin" / "python"
PROCESS = Path(__file__).parent / "rivals" / "backtester_process.py"
FOLDER = ROOT / "bench" / "weights"

SESSIONS, NAMES = 2_520, 500
FEW_SESSIONS, FEW_NAMES = 252, 50  # bt would take minutes for ten years; curves are compared on 50 names
RATE = 0.001  # of what is traded
INVESTED = 0.98  # the rest pays the costs
WARM_RUNS = 5
RIVALS = (("vectorbt", WARM_RUNS, "≥ 5×"), ("cvxportfolio", 1, "≥ 100×"), ("bt", 1, "≥ 500×"))
NONE = "–"


def measure() -> dict[str, str]:
    """Return the table, by title."""
    title = "Weight-matrix backtest, processor time"
    if not PYTHON.exists():
        return {title: table([Row("weight matrix", NONE, "not installed (`make backtesters`)", NONE, NONE)])}
    with made(FEW_SESSIONS, FEW_NAMES) as folder:
        rows = agreements(folder)
    with made(SESSIONS, NAMES) as folder:
        rows += _times(folder, SESSIONS, RIVALS[:2])
    with made(FEW_SESSIONS, NAMES) as folder:
        rows += _times(folder, FEW_SESSIONS, RIVALS[2:])
    return {title: table(rows)}


def _times(folder: Path, sessions: int, rivals: Sequence[tuple[str, int, str]]) -> list[Row]:
    work = f"weights of {NAMES} names in {sessions:,} sessions"
    ours = seconds_of("ours", folder, WARM_RUNS, RATE)
    rows = []
    for name, runs, goal in rivals:
        theirs = seconds_of(name, folder, runs, RATE)
        rows.append(Row(work, f"{ours:.3f} s", f"{name} {theirs:.3g} s", f"{theirs / ours:.1f}×", goal))
    return rows


def seconds_of(name: str, folder: Path, runs: int, rate: float) -> float:
    """Return the median processor time of a side's runs; its equity is written to the folder."""
    ours = [sys.executable, "-m", "tests.bench.weights_side"]
    side = ours if name == "ours" else [str(PYTHON), str(PROCESS), name]
    seconds, _ = inside([*side, str(folder), str(runs), str(rate)])
    return statistics.median(seconds)


def agreements(folder: Path) -> list[Row]:
    """Return how far the others' equity is from ours, with costs and without."""
    return [_agreement(folder, name, rate) for rate in (RATE, 0.0) for name, _, _ in RIVALS]


def _agreement(folder: Path, name: str, rate: float) -> Row:
    curves = []
    for side in ("ours", name):
        seconds_of(side, folder, 1, rate)
        curves.append(np.load(folder / f"{side}.npy"))
    one, other = curves
    found = float(np.abs(one[: len(other)] / other[: len(one)] - 1).max())
    return Row(
        f"equity of {FEW_NAMES} names in {FEW_SESSIONS} sessions, costs of {1e4 * rate:.0f} bps",
        "whole shares, cents",
        name,
        f"differs by at most {found:.0e}",
        NONE if name == "bt" and rate else "1e-09",
    )


@contextmanager
def made(sessions: int, names: int) -> Iterator[Path]:
    """Write the market and the weights, and delete them afterwards."""
    rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    rng = np.random.default_rng(0)
    moves = rng.normal(0.0002, 0.015, (sessions, names)).cumsum(axis=0)
    prices = np.exp(np.log(rng.uniform(20, 300, names)) + moves)
    tastes = np.exp(rng.normal(0, 0.1, (sessions, names)).cumsum(axis=0).clip(-3, 3))
    np.savez(
        FOLDER / "market.npz",
        sessions=np.datetime64("2014-01-01", "ns") + np.arange(sessions).astype("timedelta64[D]"),
        cents=np.maximum(np.round(prices * 100), 1).astype(np.int64),
        weights=INVESTED * tastes / tastes.sum(axis=1, keepdims=True),
    )
    try:
        yield FOLDER
    finally:
        rmtree(FOLDER)
