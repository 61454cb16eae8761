"""Features: ours against pandas, polars, DuckDB and Qlib on one generated market, the day's row, memory and growth.

Every side runs in a process of its own, on two threads where it can, from what it naturally works on (prepared before
the clock starts) to finished float32 columns. A side's first run is not counted, except where there is only one.
"""

import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.bench import day, market
from tests.bench.measure import Figure, inside
from tests.bench.rivals.qlib_store import ALPHA158, FOURTEEN, PYTHON
from tests.bench.rivals.qlib_store import words as qlib_words
from tests.bench.table import Row, table

SESSIONS = 2_520
SMALL, QLIB_SIZE, LARGE = (500, SESSIONS), (800, 3_500), (8_000, SESSIONS)
GROWING = (500, 1_000, 2_000, 4_000, 8_000)
AGREEMENT_SIZE = (20, 300)
RUNS = 4  # at least; the first is not counted
NONE = "–"

Size = tuple[int, int]


def measure() -> dict[str, str]:
    """Return the tables, by title."""
    frames, qlib, alone = [], [_agreement()], []
    for size in (SMALL, QLIB_SIZE, LARGE):
        with market.made(*size) as folder:
            frames += _against_frames(folder, size)
            qlib += _against_qlib(folder, size)
            if size == SMALL:
                alone.append(_first_call(folder))
            if size in (SMALL, LARGE):
                alone += _last_rows(folder, size)
    alone += [_last_row_from_lake(), *_stored()]
    return {
        "Features, against data frames and SQL": table(frames),
        "Features, against Qlib": table(qlib),
        "Features, alone": table(alone),
    }


def _against_frames(folder: Path, size: Size) -> list[Row]:
    ours = _side("ours_twenty", folder, RUNS)
    rivals = (
        ("pandas", "pandas groupby-rolling", "≥ 20×"),
        ("polars", "polars rolling over symbols", "≥ 8×"),
        ("duckdb", "DuckDB window functions", NONE),
    )
    return [
        _row(f"20 rolling features, {_named(size)}", ours, called, _side(side, folder, _runs(size)), goal)
        for side, called, goal in rivals
    ]


def _against_qlib(folder: Path, size: Size) -> list[Row]:
    if not PYTHON.exists():
        return []
    subprocess.run([sys.executable, "-m", "tests.bench.rivals.qlib_store", str(folder)], check=True)
    ours = _side("ours_fourteen", folder, RUNS)
    rows = [
        _row(f"14 features, {_named(size)}", ours, called, _qlib(folder, FOURTEEN, how, _runs(size)), goal)
        for how, called, goal in (
            ("scratch", "Qlib from scratch, two processes", "≥ 20×"),
            ("DiskDatasetCache", "Qlib from its dataset cache", "> 1×"),
            ("SimpleDatasetCache", "Qlib from a pickled copy of the values", NONE),
        )
    ]
    if size != LARGE:  # Qlib would take about 20 minutes
        ours = _side("ours_alpha158", folder, RUNS)
        scratch = _qlib(folder, ALPHA158, "scratch", 1)
        rows.append(
            _row(f"Alpha158, {_named(size)}", ours, "Qlib from scratch, two processes", scratch, "≥ 20×")
        )
    return rows


def _agreement() -> Row:
    """Compare values, not times."""
    work = f"Alpha158's values, {_named(AGREEMENT_SIZE)}"
    if not PYTHON.exists():
        return Row(work, NONE, "Qlib is not installed (`make qlib`)", NONE, NONE)
    with market.made(*AGREEMENT_SIZE) as folder:
        subprocess.run([sys.executable, "-m", "tests.bench.rivals.qlib_store", str(folder)], check=True)
        words = [sys.executable, "-m", "tests.bench.agreement", str(folder)]
        difference = float(subprocess.run(words, check=True, capture_output=True).stdout)
    return Row(
        work, "float64", "Qlib, float32", f"differ by at most {difference:.0e} of a typical value", NONE
    )


def _first_call(folder: Path) -> Row:
    """Measure how much slower the first call of a process is than a later one."""
    (first, *later), _ = inside(_words("ours_twenty", folder, RUNS))
    with TemporaryDirectory() as empty:
        compiling = ["env", f"NUMBA_CACHE_DIR={empty}", *_words("ours_twenty", folder, 1)]
        (compiled,), _ = inside(compiling)
    warm = statistics.median(later)
    return Row(
        "first call in a process: machine code of the 20 features from disk",
        _seconds(first - warm),
        f"recompiled {_seconds(compiled - warm)}",
        f"{(compiled - warm) / (first - warm):.0f}×",
        NONE,
    )


def _last_rows(folder: Path, size: Size) -> list[Row]:
    goal = "0.15 s" if size == SMALL else "1.5 s"
    sides = (
        ("last_row_standard", "standard set", NONE),
        ("last_row_150", "150", goal),
        ("last_row_all", "all", NONE),
    )
    return [
        _alone(
            f"the day's row of features: {called}, {size[0]:,} names",
            _seconds(_side(side, folder, RUNS).seconds),
            goal,
        )
        for side, called, goal in sides
    ]


def _last_row_from_lake() -> Row:
    day.ready_home(day.FEW)
    ours = _side("last_row_from_lake", day.home_of(day.FEW), RUNS)
    return _alone(
        "the day's row of features: standard set, 500 names, read from the lake", _figure(ours), NONE
    )


def _stored() -> list[Row]:
    """Measure the matrix of 150 features on growing markets, and fit time and memory to powers of their size."""
    figures = []
    for symbols in GROWING:
        with market.made(symbols, SESSIONS) as folder:
            figures.append(_side("ours_stored", folder, 1))
    time, memory = (
        np.polyfit(np.log(GROWING), np.log(values), 1)[0]
        for values in ([figure.seconds for figure in figures], [figure.peak_mb for figure in figures])
    )
    rows = [
        _alone(f"150 features written to disk, {_named((symbols, SESSIONS))}", _figure(figure), NONE)
        for symbols, figure in zip(GROWING, figures, strict=True)
    ]
    rows[-1] = replace(rows[-1], goal="4 GB")
    growth = f"time ∝ names^{time:.2f}, memory ∝ names^{memory:.2f}"
    return [*rows, _alone("growth of these", growth, "at most linear")]


def _side(name: str, folder: Path, runs: int) -> Figure:
    return _counted(_words(name, folder, runs))


def _qlib(folder: Path, names: Sequence[str], how: str, runs: int) -> Figure:
    return _counted(qlib_words(folder, names, how, runs))


def _counted(words: Sequence[str]) -> Figure:
    seconds, peak_mb = inside(words)
    sys.stderr.write(f"{' '.join(Path(word).name for word in words[1:])[:100]}: {seconds}\n")
    return Figure(statistics.median(seconds[1:] or seconds), peak_mb)


def _words(side: str, folder: Path, runs: int) -> list[str]:
    return [sys.executable, "-m", "tests.bench.sides", side, str(folder), str(runs)]


def _runs(size: Size) -> int:
    """Run the slow sides once on the largest market."""
    return 1 if size == LARGE else RUNS


def _row(work: str, ours: Figure, called: str, theirs: Figure, goal: str) -> Row:
    ratio = f"{theirs.seconds / ours.seconds:.1f}×"
    return Row(work, _figure(ours), f"{called} {_figure(theirs)}", ratio, goal)


def _alone(work: str, ours: str, goal: str) -> Row:
    return Row(work, ours, NONE, NONE, goal)


def _named(size: Size) -> str:
    symbols, sessions = size
    return f"{symbols:,} × {sessions:,}"


def _figure(figure: Figure) -> str:
    return f"{_seconds(figure.seconds)}, {figure.peak_mb:,.0f} MB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s"
