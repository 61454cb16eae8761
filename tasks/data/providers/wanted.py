"""Determine the symbols and sessions to request from a network provider."""

import stat
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.errors import ConfigError, TransientError
from tasks.core.reading import read_text
from tasks.core.sessions import Days, sessions_between
from tasks.data.schema.columns import Table
from tasks.data.schema.symbols import is_safe_symbol

MAX_BYTES = 1_000_000  # of a symbol list: ten times the size of all listed symbols
MAX_BREAK = timedelta(days=14)  # any such span contains a session
OVERLAP = timedelta(days=14)  # requested again at each refresh: late and restated rows


def read_symbols(file: Path | None, provider: str) -> tuple[str, ...]:
    """Return the distinct symbols of the file in order: one per line, `#` begins a comment."""
    if file is None:
        raise ConfigError(
            f"{provider} needs a list of symbols, but data.symbols_file is not set.",
            remedy="Write one symbol per line into a file and name it in data.symbols_file.",
            key="data.symbols_file",
        )
    try:
        lines = [line.partition("#")[0].strip() for line in _small_text(file).splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read: it must be a text file in UTF-8 of at most {MAX_BYTES:,} bytes "
            f"({type(error).__name__}).",
            remedy="Set data.symbols_file to a text file with one symbol per line.",
            key="data.symbols_file",
        ) from error
    symbols = tuple(dict.fromkeys(line for line in lines if line))
    # the line is never quoted: the setting may point to any file, also to a secret one
    bad_line = next((n for n, line in enumerate(lines, 1) if line and not is_safe_symbol(line)), None)
    if bad_line is not None:
        raise ConfigError(
            f"{file}, line {bad_line}, is not a valid symbol.",
            remedy="Write one symbol per line, in capitals as on the exchange, e.g. BRK.B.",
            key="data.symbols_file",
            line=bad_line,
        )
    if not symbols:
        raise ConfigError(
            f"{file} contains no symbols.", remedy="Write one symbol per line.", key="data.symbols_file"
        )
    return symbols


def _small_text(file: Path) -> str:
    """Return the text of a regular file of at most a megabyte; ValueError for anything else."""
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("not a regular file")
    if facts.st_size > MAX_BYTES:
        raise ValueError("too large")
    return read_text(file, encoding="utf-8-sig")


def batches(symbols: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the symbols in lists of at most `size`."""
    for begin in range(0, len(symbols), size):
        yield list(symbols[begin : begin + size])


def first_day(after: date | None, first_session: date) -> date:
    """Return the first day to request: 14 days before `after`, for late and restated rows."""
    return first_session if after is None else max(after - OVERLAP, first_session)


def with_benchmark(shares: frozenset[Table], benchmark: str) -> frozenset[Table]:
    """Return the tables of a provider of shares and funds: with levels, unless the benchmark is an index."""
    return shares if benchmark.startswith("^") else shares | {"levels"}


def sessions_after(days: Days, since: date, through: date) -> Days:
    """Return the first session after each day; all days are from `since` through `through`."""
    sessions = sessions_between(since - MAX_BREAK, through + MAX_BREAK)
    following: Days = sessions[np.searchsorted(sessions, days, side="right")]
    return following


def refuse_unready(bars: pd.DataFrame, through: date, provider: str) -> None:
    """Raise TransientError while the provider has no bar for the session yet."""
    if bars.empty or bars["session"].max() < pd.Timestamp(through):
        latest = "none at all" if bars.empty else f"the latest is for {bars['session'].max().date()}"
        raise TransientError(
            f"{provider} has no bars for {through} yet ({latest}).",
            remedy="Run again later, or add a second provider to data.provider; nothing was stored.",
            provider=provider,
        )
