"""The whole day for 500 names × 10 years in an existing home, and the start of the command line."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.measure import command
from tests.bench.table import Row, table

BIN = Path(sys.executable).parent
HOME = Path(__file__).parents[2] / "bench" / "500x10y"
DAY_BEFORE, DAY = "2024-06-13", "2024-06-14"
SPENT = HOME.with_name("500x10y-spent")
ORDER = (
    "refresh_market",
    "compute_features",
    "score_universe",
    "detect_regime",
    "estimate_risk",
    "build_portfolio",
    "propose_trades",
    "check_day",
    "render_day",
)
IMPORTS = "import pandas, deltalake, pypfopt, lightgbm, jinja2, exchange_calendars, matplotlib.figure"


def measure() -> dict[str, str]:
    """Return the two tables, by title."""
    timings: list[dict[str, float]] = []
    rows = [_day(timings), _help()]
    return {"The whole day": table(rows), "The day by stage, seconds": _stages(timings)}


def _day(timings: list[dict[str, float]]) -> Row:
    """Run the next session of a home that stands one session behind; keep what each stage took."""
    ready_home()
    words = [str(BIN / "afterclose"), "--home", str(SPENT), "daily", "--date", DAY]

    def renew() -> None:
        manifest = SPENT / "live" / DAY / "manifest.json"
        if manifest.exists():
            timings.append(json.loads(manifest.read_text())["timings"])
        shutil.rmtree(SPENT, ignore_errors=True)
        shutil.copytree(HOME, SPENT)

    ours = command(words, runs=3, before=renew)
    renew()
    imports = command([sys.executable, "-c", IMPORTS], runs=3)
    return Row(
        "`afterclose daily`, 500 × 10 y, existing home",
        f"{ours.seconds:.1f} s, {ours.peak_mb:.0f} MB",
        f"its imports alone {imports.seconds:.1f} s, {imports.peak_mb:.0f} MB",
        f"{ours.seconds / imports.seconds:.1f}×",
        "15 s (then 8 s), 1.5 GB",
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


def _stages(runs: list[dict[str, float]]) -> str:
    """Return the median of each stage over the runs, in the day's order."""
    lines = ["| stage | seconds |", "|---|---|"]
    lines += [f"| {stage} | {statistics.median(run[stage] for run in runs):.2f} |" for stage in ORDER]
    return "\n".join(lines)


def ready_home() -> None:
    """Make the home once, in a process of its own: a child's peak memory counts what its parent holds."""
    if not (HOME / "live" / DAY_BEFORE).exists():
        subprocess.run([sys.executable, "-m", "tests.bench.ready_home"], check=True)
