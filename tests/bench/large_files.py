"""Create the directory for the large import: prices.parquet of 8,000 names × 10 years, and a benchmark.

`python -m tests.bench.large_files FOLDER [SYMBOLS]`
"""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.sessions import sessions_ending

SYMBOLS, SESSIONS = 8_000, 2_520
LAST = date(2024, 6, 14)
AT_ONCE = 100  # names
DRIFT, DEVIATION, COMMON = 0.0003, 0.015, 0.008


def main() -> None:
    """Write the prices of a few names at a time, sorted by symbol and date like vendors' files."""
    folder = Path(sys.argv[1])
    symbols = int(sys.argv[2]) if len(sys.argv) > 2 else SYMBOLS
    folder.mkdir(parents=True, exist_ok=True)
    days = sessions_ending(LAST, SESSIONS)
    rng = np.random.default_rng(7)
    market = rng.normal(DRIFT, COMMON, SESSIONS)
    writer = None
    for first in range(0, symbols, AT_ONCE):
        names = [f"N{place:05d}" for place in range(first, min(first + AT_ONCE, symbols))]
        rows = bars(rng, names, days, market)
        writer = writer or pq.ParquetWriter(folder / "prices.parquet", rows.schema, compression="zstd")
        writer.write_table(rows)
    if writer is not None:
        writer.close()
    pq.write_table(bars(rng, ["SPY"], days, market), folder / "benchmark.parquet")
    (folder / "ready").touch()


def bars(rng: np.random.Generator, names: list[str], days: np.ndarray, market: np.ndarray) -> pa.Table:
    """Return random walks around the market, in whole cents."""
    shape = (len(names), len(days))
    moves = market + rng.normal(0, DEVIATION, shape)
    close = rng.uniform(20, 200, (len(names), 1)) * np.exp(np.cumsum(moves, axis=1))
    opened = close * np.exp(rng.normal(0, DEVIATION / 3, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, DEVIATION / 3, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, DEVIATION / 3, shape)))
    figures = {"open": opened, "high": high, "low": low, "close": close}
    return pa.table(
        {
            "symbol": np.repeat(names, len(days)),
            "date": np.tile(days, len(names)),
            **{name: np.round(values, 2).ravel() for name, values in figures.items()},
            "volume": np.rint(np.exp(rng.normal(14, 0.4, shape))).ravel(),
        }
    )


if __name__ == "__main__":
    main()
