"""Combine new bars with the stored bars shortly before them: the rows that all day-to-day comparisons use.

Pure. Determines how far back comparisons reach; does not check anything.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days, Mask
from tasks.data.schema.tables import SPECS, empty_table

CONTEXT_SESSIONS = 64  # how far back new bars are compared with stored ones: the longest reach of any gate
SET_ASIDE_RULES = frozenset({"unit_error", "unannounced_split", "doubled_price"})

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """The contents of the lake before a delivery: the latest rows of its tables, and the bars needed as context."""

    after: date | None = None
    bars: pd.DataFrame = field(default_factory=lambda: empty_table("bars").drop(columns="known"))
    tables: dict[str, pd.DataFrame] = field(
        default_factory=lambda: {name: empty_table(name) for name in SPECS if name != "bars"}
    )


@dataclass(frozen=True)
class ContextRows:
    """New bars with the stored and set-aside ones shortly before them, sorted by symbol and session."""

    frame: pd.DataFrame
    day: Ints
    is_new: Mask
    was_set_aside: Mask

    @property
    def code(self) -> Ints:
        return self.frame["symbol"].cat.codes.to_numpy().astype(np.int64)


def context_start(after: date, since: date | None, trading_days: Days) -> date:
    """Return the first session of the context; `since`, the day of a late action, can move it further back."""
    earliest = min(after, since or after)
    end = int(np.searchsorted(trading_days, np.datetime64(earliest, "D"), side="right"))
    first: date = trading_days[max(0, end - CONTEXT_SESSIONS)].item()
    return first


def reorder_rows(frame: pd.DataFrame, order: NDArray[np.intp]) -> pd.DataFrame:
    """Return the rows in this order; the frame itself if already ordered, because a copy may be gigabytes."""
    return frame if np.array_equal(order, np.arange(len(frame))) else frame.iloc[order]


def filter_rows(frame: pd.DataFrame, keep: Mask) -> pd.DataFrame:
    """Return the rows where `keep` is True; the frame itself if that is all of them."""
    return frame if keep.all() else frame[keep]


def rows_with_context(
    known: Known, fresh: pd.DataFrame, trading_days: Days, *, since: date | None
) -> ContextRows:
    """Return the new bars with the stored and set-aside bars of the context before them."""
    first = pd.Timestamp("1900-01-01")
    if known.after is not None:
        first = pd.Timestamp(context_start(known.after, since, trading_days))
    columns = list(SPECS["bars"].columns)
    stored = known.bars.loc[known.bars["session"] >= first, columns]
    set_aside = known.tables["quarantine"]
    set_aside = set_aside.loc[
        (set_aside["session"] >= first) & set_aside["rule"].isin(SET_ASIDE_RULES), columns
    ]
    if stored.empty and set_aside.empty:  # a first import: may be gigabytes, and is sorted already
        joined, origin = fresh[columns].reset_index(drop=True), np.full(len(fresh), 2, dtype=np.int8)
    else:
        joined, origin = _joined(stored, set_aside, fresh[columns].astype({"symbol": "str"}))
    days = joined["session"].to_numpy().astype("datetime64[D]")
    day = np.searchsorted(trading_days, days).astype(np.int64)
    return ContextRows(joined, day, origin == 2, origin == 1)


def _joined(*parts: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    """Return the rows of all parts by symbol, session and part, and the part of each row."""
    origin = np.repeat(np.arange(len(parts), dtype=np.int8), [len(part) for part in parts])
    joined = pd.concat(parts, ignore_index=True)
    joined = joined.assign(symbol=joined["symbol"].astype("category"), origin=origin)
    order = np.lexsort((origin, joined["session"].to_numpy(), joined["symbol"].cat.codes.to_numpy()))
    joined = joined.iloc[order]
    if (origin == 1).any():  # a set-aside bar that was corrected is among the stored ones
        joined = joined.drop_duplicates(["symbol", "session"], keep="first")
    return joined.drop(columns="origin").reset_index(drop=True), joined["origin"].to_numpy()
