"""The whole day for 500 and for 8,000 names × 10 years in an existing home, and the start of the command line.

The provider's answer is at hand: what is measured is Afterclose, not a network or the simulation of ten years.
"""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.measure import command
from tests.bench.table import Row, table

BIN = Path(sys.executable).parent
HOMES = Path(__file__).parents[2] / "bench"
DAY_BEFORE, DAY = "2024-06-13", "2024-06-14"
FEW, MANY = 500, 8_000
ORDER = (
    "refresh_market",
    "compute_features",
    "score_universe",
    "detect_regime",
    "estimate_risk",
    "build_portfolio",
    "propose_trades",
    "check_day",
    "compare_with_backtest",
    "render_day",
)
IMPORTS = "import pandas, deltalake, pypfopt, lightgbm, jinja2, exchange_calendars, matplotlib.figure"


def measure() -> dict[str, str]:
    """Return the two tables, by title."""
    few, many = [], []
    rows = [
        _day(FEW, few, runs=3, goal="5 s, 600 MB (next goal: 4 s, 500 MB)"),
        _simulation(FEW),
        _day(MANY, many, runs=1, goal="25 s, 3 GB (next goal: 20 s)"),
        _simulation(MANY),
        _help(),
    ]
    return {"The whole day": table(rows), "The day by stage, seconds": _stages(few, many)}


def home_of(symbols: int) -> Path:
    """Return the path of the home with this number of names, one session behind."""
    return HOMES / f"{symbols}x10y"


def answer_of(home: Path) -> Path:
    """Return where the provider's answer for the measured session is kept, for a home or a copy of it."""
    return home.with_name(home.name.removesuffix("-spent") + ".pickle")


def _day(symbols: int, timings: list[dict[str, float]], *, runs: int, goal: str) -> Row:
    """Run the next session of a home that is one session behind; record the seconds of each stage."""
    ready_home(symbols)
    spent = HOMES / f"{symbols}x10y-spent"
    words = [sys.executable, "-m", "tests.bench.served_day", str(spent), DAY]

    def renew() -> None:
        manifest = spent / "live" / DAY / "manifest.json"
        if manifest.exists():
            timings.append(json.loads(manifest.read_text())["timings"])
        shutil.rmtree(spent, ignore_errors=True)
        shutil.copytree(home_of(symbols), spent)

    ours = command(words, runs=runs, before=renew)
    renew()
    imports = command([sys.executable, "-c", IMPORTS], runs=3)
    return Row(
        f"`afterclose daily`, {symbols:,} × 10 y, existing home",
        f"{ours.seconds:.1f} s, {ours.peak_mb:,.0f} MB",
        f"its imports alone {imports.seconds:.1f} s, {imports.peak_mb:,.0f} MB",
        f"{ours.seconds / imports.seconds:.1f}×",
        goal,
    )


def _simulation(symbols: int) -> Row:
    ours = command([sys.executable, "-m", "tests.bench.served_day", str(home_of(symbols))], runs=1)
    return Row(
        f"regenerating the simulated market, {symbols:,} × 10 y, not included in the day",
        f"{ours.seconds:.1f} s, {ours.peak_mb:,.0f} MB",
        "–",
        "–",
        "–",
    )


def _help() -> Row:
    ours = command([str(BIN / "afterclose"), "--help"], runs=9)
    python = command([sys.executable, "-c", "pass"], runs=9)
    return Row(
        "`afterclose --help`",
        f"{ours.seconds:.2f} s",
        f"`python -c pass` {python.seconds:.2f} s",
        f"{ours.seconds / python.seconds:.1f}×",
        "0.5 s",
    )


def _stages(few: list[dict[str, float]], many: list[dict[str, float]]) -> str:
    """Return the median of each stage over the runs of either size, in the day's order."""
    lines = [f"| stage | {FEW:,} names | {MANY:,} names |", "|---|---|---|"]
    for stage in ORDER:
        medians = (statistics.median(run[stage] for run in runs) for runs in (few, many))
        lines.append(f"| {stage} | {' | '.join(f'{seconds:.2f}' for seconds in medians)} |")
    return "\n".join(lines)


def ready_home(symbols: int) -> None:
    """Create the home once, in its own process: a child's peak memory includes its parent's."""
    home = home_of(symbols)
    if not (home / "live" / DAY_BEFORE).exists():
        subprocess.run([sys.executable, "-m", "tests.bench.ready_home", str(symbols)], check=True)
    if not answer_of(home).exists():
        subprocess.run([sys.executable, "-m", "tests.bench.served_day", str(home)], check=True)
