"""The lake: the day's refresh, the panel of the last sessions, the import of real data, against pandas and DuckDB.

Every side runs in a process of its own and is given the market in its own form, prepared before the clock starts: a
lake, a CSV file, Parquet by year. A side's first run is not counted, except where there is only one.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.measure import Figure, command, inside
from tests.bench.table import Row, table

BIN = Path(sys.executable).parent
IMPORTS = "import pandas, deltalake, pyarrow.dataset, exchange_calendars"
MARKET = Path(__file__).parents[2] / "bench" / "lake-500x20y"
REAL_DATA = Path(os.environ.get("AFTERCLOSE_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = MARKET.with_name("real")
LARGE = MARKET.with_name("files-8000x10y")


def measure() -> dict[str, str]:
    """Return the table, by title."""
    if not (MARKET / "ready").exists():
        subprocess.run([sys.executable, "-m", "tests.bench.lake_market", str(MARKET)], check=True)
    rows = [
        _row("one more session, 500 names on 20 years", "refresh", MARKET, runs=5, goal="3 s"),
        _row("the last 300 sessions × 500 names, aligned", "read", MARKET, runs=7, goal="0.3 s"),
    ]
    if (REAL_DATA / "prices.parquet").is_file():
        rows.append(_row("import of 504 real names, 21 years", "import", REAL_DATA, runs=1, goal="–"))
    return {"The lake": table([*rows, _large_import(), _status()])}


def _row(work: str, name: str, folder: Path, *, runs: int, goal: str) -> Row:
    ours, pandas, duckdb = (_side(f"{side}_{name}", folder, runs) for side in ("lake", "pandas", "duckdb"))
    return Row(
        work,
        f"{ours.seconds:.2f} s, {ours.peak_mb:,.0f} MB",
        f"pandas from CSV {pandas.seconds:.2f} s, {pandas.peak_mb:,.0f} MB; "
        f"DuckDB from Parquet {duckdb.seconds:.2f} s, {duckdb.peak_mb:,.0f} MB",
        f"{ours.seconds / pandas.seconds:.2f}× and {ours.seconds / duckdb.seconds:.2f}×",
        goal,
    )


def _large_import() -> Row:
    """Import 20 million rows; without pandas, which would have to write 1.5 GB of CSV first."""
    if not (LARGE / "ready").exists():
        subprocess.run([sys.executable, "-m", "tests.bench.large_files", str(LARGE)], check=True)
    ours, duckdb = (_side(f"{side}_import", LARGE, 1) for side in ("lake", "duckdb"))
    return Row(
        "import of 8,000 names × 10 years, 20 million rows",
        f"{ours.seconds:.1f} s, {ours.peak_mb:,.0f} MB",
        f"DuckDB from Parquet {duckdb.seconds:.1f} s, {duckdb.peak_mb:,.0f} MB",
        f"{ours.seconds / duckdb.seconds:.1f}×",
        "60 s, 4 GB (then 45 s, 3 GB)",
    )


def _status() -> Row:
    words = [str(BIN / "afterclose"), "--home", str(MARKET / "home"), "data", "status"]
    ours = command(words, runs=5)
    imports = command([sys.executable, "-c", IMPORTS], runs=5)
    return Row(
        "`afterclose data status`, 500 × 20 y",
        f"{ours.seconds:.1f} s, {ours.peak_mb:,.0f} MB",
        f"its imports alone {imports.seconds:.1f} s, {imports.peak_mb:,.0f} MB",
        f"{ours.seconds / imports.seconds:.1f}×",
        "2 s",
    )


def _side(name: str, folder: Path, runs: int) -> Figure:
    timed = runs if runs == 1 else runs + 1
    seconds, peak_mb = inside([sys.executable, "-m", "tests.bench.lake_sides", name, str(folder), str(timed)])
    return Figure(statistics.median(seconds if runs == 1 else seconds[1:]), peak_mb)
