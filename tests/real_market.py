"""The real market for tests and tables: where its files are, and the panel that the regime rules read."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.data.intake.imports import import_folder
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Panel
from tasks.data.task import refresh_market
from tests.builders import make_panel, make_run

REAL_DATA = Path(os.environ.get("AFTERCLOSE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETTINGS = {"data.provider": "files", "data.files.path": REAL_DATA}
BENCHMARK, VOLATILITY_INDEX = "SPY", "^VIX"


def import_real_data(home: Path) -> None:
    """Import the whole folder into the home's lake; about half a minute."""
    import_folder(make_run(home, date(2024, 6, 14), **SETTINGS), REAL_DATA)


def read_real_panel(home: Path, last: date) -> Panel:
    """Return the panel of every session up to this one, from the lake of `import_real_data`."""
    return read_panel(refresh_market(make_run(home, last, **SETTINGS)).snapshot, window=None)


def read_levels(symbol: str) -> pd.DataFrame:
    """Return open, close and adj_close of a level by session (a DatetimeIndex)."""
    levels = pd.read_parquet(REAL_DATA / "benchmark.parquet")
    found = levels[levels["symbol"] == symbol]
    columns = found[["open", "close", "adj_close"]]
    return columns.set_index(pd.DatetimeIndex(found["date"], name="session"))


def read_regime_panel() -> Panel:
    """Return closes of the names, the benchmark and the volatility index, on every session of the benchmark.

    The names end on 2021-04-21; later sessions have the benchmark and the index alone.
    """
    prices = pd.read_parquet(REAL_DATA / "prices.parquet", columns=["symbol", "date", "adj_close"])
    close = prices.pivot_table(index="date", columns="symbol", values="adj_close")
    benchmark, index = read_levels(BENCHMARK), read_levels(VOLATILITY_INDEX)
    sessions = benchmark.index[benchmark.index >= pd.Timestamp(close.index[0])]
    matrix = close.set_index(pd.DatetimeIndex(close.index)).reindex(sessions).to_numpy(dtype=float)
    return replace(
        make_panel(sessions=300, symbols=2),
        sessions=sessions.to_numpy().astype("datetime64[D]"),
        symbols=close.columns.to_numpy(dtype=str),
        close=matrix,
        is_member=np.isfinite(matrix),
        market=benchmark["adj_close"].reindex(sessions).to_numpy(dtype=float),
        volatility_index=index["close"].reindex(sessions).to_numpy(dtype=float),
    )
