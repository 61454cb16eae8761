"""Create the market of the lake bench once: a home one session behind, and the same bars as CSV and as Parquet by year.

`python -m tests.bench.lake_market FOLDER`
"""

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.data import task
from tests.deliveries import Served, cut, days_of, make_delivery, small_run

SESSIONS, SYMBOLS = 5040, 500


def main() -> None:
    """Write the market without its last session, and that session separately."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    delivery = make_delivery(sessions=SESSIONS, symbols=SYMBOLS)
    *_, before, last = days_of(delivery)
    old = cut(delivery, after=None, through=before)
    task.make_provider = lambda _run: Served(old)
    task.refresh_market(small_run(folder / "home", before))
    day = cut(delivery, after=before, through=last)
    (folder / "day.pickle").write_bytes(pickle.dumps(replace(day, fundamentals=old.fundamentals)))
    day.bars.to_parquet(folder / "day.parquet")
    old.bars.to_csv(folder / "bars.csv", index=False)
    write_by_year(old.bars, folder / "bars")
    (folder / "ready").touch()


def write_by_year(bars: pd.DataFrame, folder: Path) -> None:
    """Write Parquet partitioned by year, zstd, like the lake."""
    rows = pa.Table.from_pandas(bars.assign(year=bars["session"].dt.year), preserve_index=False)
    pq.write_to_dataset(rows, str(folder), partition_cols=["year"], compression="zstd")


if __name__ == "__main__":
    main()
