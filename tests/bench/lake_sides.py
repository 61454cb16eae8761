"""One side of the lake bench, in its own process: `python -m tests.bench.lake_sides NAME FOLDER RUNS`.

Each run is prepared before the clock starts; the seconds of each are printed as a JSON list. The jobs: store one more
session durably, without duplicate bars; read the last sessions as an array of sessions × symbols; import twenty years.
"""

import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

Work = Callable[[], object]

SCRATCH = Path(__file__).parents[2] / "bench"
WINDOW = 300
FIGURES = ("open", "high", "low", "close", "volume")


def lake_refresh(folder: Path, scratch: Path) -> Work:
    """Checked, appended, and described as of the session."""
    from tasks.data import task
    from tests.deliveries import Served, small_run

    shutil.copytree(folder / "home", scratch / "home")
    day = pickle.loads((folder / "day.pickle").read_bytes())  # noqa: S301 - written by lake_market
    task.make_provider = lambda _run: Served(day)
    run = small_run(scratch / "home")
    return lambda: task.refresh_market(run)


def pandas_refresh(folder: Path, scratch: Path) -> Work:
    import pandas as pd

    shutil.copy(folder / "bars.csv", scratch / "bars.csv")
    day = pd.read_parquet(folder / "day.parquet")

    def work() -> None:
        bars = pd.concat([pd.read_csv(scratch / "bars.csv", parse_dates=["session"]), day])
        bars.drop_duplicates(["symbol", "session"]).to_csv(scratch / "new.csv", index=False)
        sync(scratch / "new.csv")
        (scratch / "new.csv").replace(scratch / "bars.csv")

    return work


def duckdb_refresh(folder: Path, scratch: Path) -> Work:
    """Rewrites the partition of the year."""
    import duckdb

    shutil.copytree(folder / "bars", scratch / "bars")
    shutil.copy(folder / "day.parquet", scratch / "day.parquet")
    connection = duckdb.connect()

    def work() -> None:
        with chdir(scratch):
            connection.execute(
                "copy (select * from read_parquet('bars/year=2024/*.parquet', hive_partitioning = false) union by name "
                "select * from 'day.parquet') to 'new.parquet' (compression zstd)"
            )
            sync(Path("new.parquet"))
            shutil.rmtree("bars/year=2024")
            Path("bars/year=2024").mkdir()
            Path("new.parquet").replace("bars/year=2024/bars.parquet")

    return work


def lake_read(folder: Path, _scratch: Path) -> Work:
    """Total-return prices, universe, market and fundamentals included."""
    from tasks.core.homes.home import Home
    from tasks.data.lake.head import read_head
    from tasks.data.lake.store import make_snapshot
    from tasks.data.panel.reader import panel_rules, read_panel
    from tests.builders import make_settings

    lake = Home(folder / "home").lake
    head = read_head(lake)
    snapshot = make_snapshot(lake, head, head.last_session, panel_rules(make_settings()))
    return lambda: read_panel(snapshot, window=WINDOW)


def pandas_read(folder: Path, _scratch: Path) -> Work:
    import pandas as pd

    def work() -> list[pd.DataFrame]:
        bars = pd.read_csv(folder / "bars.csv", parse_dates=["session"])
        recent = bars[bars["session"] >= sorted(bars["session"].unique())[-WINDOW]]
        return [recent.pivot_table(index="session", columns="symbol", values=name) for name in FIGURES]

    return work


def duckdb_read(folder: Path, _scratch: Path) -> Work:
    import duckdb

    connection = duckdb.connect()
    bars = f"read_parquet('{folder}/bars/*/*.parquet', hive_partitioning = true)"

    def work() -> list[object]:
        recent = connection.execute(
            f"select * from {bars} where year >= 2023 and session in "  # noqa: S608 - our own path
            f"(select distinct session from {bars} where year >= 2023 order by session desc limit {WINDOW})"
        ).df()
        return [recent.pivot_table(index="session", columns="symbol", values=name) for name in FIGURES]

    return work


def lake_import(folder: Path, scratch: Path) -> Work:
    """Every bar checked, with actions, membership, levels and fundamentals."""
    from datetime import date

    from tasks.data.intake.imports import import_folder
    from tests.builders import make_run

    run = make_run(scratch, date(2024, 6, 14), **{"data.provider": "files", "data.files.path": folder})
    return lambda: import_folder(run, folder)


def pandas_import(folder: Path, scratch: Path) -> Work:
    """Bars only, unchecked."""
    import pandas as pd

    from tests.bench.lake_market import write_by_year

    pd.read_parquet(folder / "prices.parquet").to_csv(scratch / "prices.csv", index=False)

    def work() -> None:
        bars = pd.read_csv(scratch / "prices.csv", parse_dates=["date"], dtype={"symbol": "str"})
        bars = bars.rename(columns={"date": "session"}).drop_duplicates(["symbol", "session"])
        write_by_year(bars.sort_values(["session", "symbol"]), scratch / "bars")

    return work


def duckdb_import(folder: Path, scratch: Path) -> Work:
    """Bars only, unchecked."""
    import duckdb

    connection = duckdb.connect()
    source = folder / "prices.parquet"
    return lambda: connection.execute(
        f"copy (select distinct on (symbol, date) *, year(date) as year from '{source}' order by date, symbol) "  # noqa: S608 - our own path
        f"to '{scratch}/bars' (format parquet, compression zstd, partition_by (year))"
    )


SIDES = {
    side.__name__: side
    for side in (
        *(lake_refresh, pandas_refresh, duckdb_refresh),
        *(lake_read, pandas_read, duckdb_read),
        *(lake_import, pandas_import, duckdb_import),
    )
}


def sync(path: Path) -> None:
    """Force the file to the disk, as the lake does."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def main() -> None:
    name, folder, runs = sys.argv[1:]
    seconds = []
    for _ in range(int(runs)):
        with TemporaryDirectory(dir=SCRATCH) as scratch:
            work = SIDES[name](Path(folder), Path(scratch))
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
