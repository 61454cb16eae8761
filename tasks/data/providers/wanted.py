"""Know which names and which sessions to ask a provider in the network for."""

import stat
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.errors import ConfigError, TransientError
from tasks.core.sessions import Days, sessions_between
from tasks.data.schema.columns import Table
from tasks.data.schema.symbols import is_safe_symbol

MOST_BYTES = 1_000_000  # of a list of symbols: all that are listed take a tenth of it
LONGEST_BREAK = timedelta(days=14)  # there is a session in any such span
LATE = timedelta(days=14)  # asked for again at each refresh: some things are told late, and some are restated


def read_symbols(file: Path | None, provider: str) -> tuple[str, ...]:
    """Return the names of the file in its order, each once: one a line, `#` begins a remark."""
    if file is None:
        raise ConfigError(
            f"{provider} has to be told which symbols to ask for, and data.symbols_file names no file.",
            remedy="Write one symbol a line into a file and name it in data.symbols_file.",
            key="data.symbols_file",
        )
    try:
        lines = [line.partition("#")[0].strip() for line in _small_text(file).splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read: it must be a text file in UTF-8 of at most {MOST_BYTES:,} bytes "
            f"({type(error).__name__}).",
            remedy="Name a text file with one symbol a line in data.symbols_file.",
            key="data.symbols_file",
        ) from error
    symbols = tuple(dict.fromkeys(line for line in lines if line))
    # the line is never quoted: the setting may point to any file, and its content is nobody's business
    odd = next((n for n, line in enumerate(lines, 1) if line and not is_safe_symbol(line)), None)
    if odd is not None:
        raise ConfigError(
            f"{file}, line {odd}, is not a symbol that the lake lets in.",
            remedy="Write one symbol a line, in capitals as on the exchange: BRK.B.",
            key="data.symbols_file",
            line=odd,
        )
    if not symbols:
        raise ConfigError(f"{file} names no symbol.", remedy="Write one a line.", key="data.symbols_file")
    return symbols


def _small_text(file: Path) -> str:
    """Return the text of a regular file of at most a megabyte; ValueError for anything else."""
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("not a regular file")
    if facts.st_size > MOST_BYTES:
        raise ValueError("too large")
    return file.read_text(encoding="utf-8-sig")


def in_portions(symbols: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the symbols in lists of at most `size`."""
    for begin in range(0, len(symbols), size):
        yield list(symbols[begin : begin + size])


def first_day(after: date | None, first_session: date) -> date:
    """Return the first day to ask for: a fortnight back, so that late and restated rows come along."""
    return first_session if after is None else max(after - LATE, first_session)


def with_benchmark(shares: frozenset[Table], benchmark: str) -> frozenset[Table]:
    """Return the tables of a provider that knows shares and funds: a level too, unless the benchmark is an index."""
    return shares if benchmark.startswith("^") else shares | {"levels"}


def sessions_after(days: Days, since: date, through: date) -> Days:
    """Return for each day, none before `since` or after `through`, the first session that follows it."""
    sessions = sessions_between(since - LONGEST_BREAK, through + LONGEST_BREAK)
    following: Days = sessions[np.searchsorted(sessions, days, side="right")]
    return following


def refuse_unready(bars: pd.DataFrame, through: date, provider: str) -> None:
    """Raise while the provider has no bar of the session yet: an answer without it is not the whole one."""
    if bars.empty or bars["session"].max() < pd.Timestamp(through):
        latest = "none at all" if bars.empty else f"the latest is of {bars['session'].max().date()}"
        raise TransientError(
            f"{provider} has no bars of {through} yet ({latest}).",
            remedy="Run again later, or name a second provider in data.provider; nothing was stored.",
            provider=provider,
        )
