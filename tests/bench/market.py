"""The generated market of the features bench: one panel per size, the same for every side, in the form that each needs.

`python -m tests.bench.market FOLDER SYMBOLS SESSIONS` writes it. Figures are those of float32, so that sides that store
bars as such (Qlib does) see the same numbers.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from shutil import rmtree
from subprocess import run

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from tasks.data.schema.records import Matrix, Panel
from tasks.features.engine.inputs import FUNDAMENTALS
from tests.builders import make_panel

BARS = ("open", "high", "low", "close", "volume")
LISTED_LATE, BARS_MISSING = 0.3, 0.005
FILED_EVERY = 63
FUNDAMENTAL = "fundamentals."
FOLDER = Path(__file__).parents[2] / "bench" / "features"


@contextmanager
def made(symbols: int, sessions: int) -> Iterator[Path]:
    """Write the market in its own process, to keep its memory out of the measurement; delete it afterwards."""
    rmtree(FOLDER, ignore_errors=True)
    words = [sys.executable, "-m", "tests.bench.market", str(FOLDER), str(symbols), str(sessions)]
    run(words, check=True)
    try:
        yield FOLDER
    finally:
        rmtree(FOLDER)


def generated(symbols: int, sessions: int) -> Panel:
    """Return a market of random walks in which some names are listed late and some bars are missing."""
    panel = make_panel(sessions=sessions, symbols=symbols)
    rng = np.random.default_rng(1)
    shape = panel.close.shape
    listed = np.where(rng.random(symbols) < LISTED_LATE, rng.integers(0, sessions, symbols), 0)
    missing = (rng.random(shape) < BARS_MISSING) | (np.arange(sessions)[:, None] < listed)
    bars = {name: getattr(panel, name).astype(np.float32).astype(np.float64) for name in BARS}
    for values in bars.values():
        values[missing] = np.nan
    raw_close = bars["close"] / 2
    return replace(
        panel,
        **bars,
        symbols=np.array([f"S{number:05d}" for number in range(symbols)]),
        raw_close=raw_close,
        dollar_volume=raw_close * bars["volume"],
        is_member=~missing,
        fundamentals={name: _filed(rng, shape) for name in FUNDAMENTALS},
    )


def long_table(panel: Panel) -> pa.Table:
    """Return one row per symbol and session from its first bar on, in that order; a missing bar is a row of nulls."""
    is_listed = np.maximum.accumulate(~np.isnan(panel.close), axis=0)
    symbol, session = np.nonzero(is_listed.T)
    market_return = np.diff(panel.market, prepend=np.nan) / np.roll(panel.market, 1)
    names = pa.array(panel.symbols.astype(object))
    return pa.table(
        {
            "symbol": pa.DictionaryArray.from_arrays(pa.array(symbol.astype(np.int16)), names),
            "session": pa.array(panel.sessions[session].astype("datetime64[s]")),
            **{name: pa.array(getattr(panel, name)[session, symbol], from_pandas=True) for name in BARS},
            "market_return": pa.array(market_return[session], from_pandas=True),
        }
    )


def on_panel(
    panel: Panel, symbol: Sequence[str], session: NDArray[np.datetime64], values: NDArray[np.float32]
) -> Matrix:
    """Return the values of a long table, rows in any order, as an array of the panel's shape."""
    placed = np.full(panel.close.shape, np.nan)
    rows = np.searchsorted(panel.sessions, session.astype("datetime64[D]"))
    placed[rows, np.searchsorted(panel.symbols, np.asarray(symbol, dtype=str))] = values
    return placed


def read_panel(folder: Path) -> Panel:
    """Return the panel that was written."""
    stored = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    fundamentals = {
        name.removeprefix(FUNDAMENTAL): stored.pop(name)
        for name in list(stored)
        if name.startswith(FUNDAMENTAL)
    }
    return Panel(**stored, fundamentals=fundamentals)


def read_long(folder: Path) -> pa.Table:
    """Return the long table that was written."""
    return feather.read_table(folder / "long.feather")


def write(folder: Path, panel: Panel) -> None:
    """Write the panel's arrays and the long table."""
    folder.mkdir(parents=True)
    arrays = {field.name: getattr(panel, field.name) for field in fields(panel)}
    filed = {f"{FUNDAMENTAL}{name}": values for name, values in arrays.pop("fundamentals").items()}
    for name, values in {**arrays, **filed}.items():
        np.save(folder / f"{name}.npy", values)
    feather.write_feather(long_table(panel), folder / "long.feather", compression="uncompressed")


def _filed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return values that change once a quarter."""
    sessions, symbols = shape
    quarters = rng.uniform(1e8, 1e9, (sessions // FILED_EVERY + 1, symbols))
    return np.repeat(quarters, FILED_EVERY, axis=0)[:sessions]


if __name__ == "__main__":
    write(Path(sys.argv[1]), generated(int(sys.argv[2]), int(sys.argv[3])))
