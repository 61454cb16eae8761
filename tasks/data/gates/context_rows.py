"""Line up what is new with what came shortly before it: the rows that every comparison of days works on.

Pure. Decides only how far back a comparison reaches, never what is wrong.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days, Mask
from tasks.data.schema.tables import SPECS, empty_table

CONTEXT_SESSIONS = 64  # how far back new bars are compared with stored ones: the longest reach of any gate
HOLDING_RULES = frozenset({"unit_error", "unannounced_split", "doubled_price"})

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What the lake holds before a delivery: its tables as last seen, and the bars of the sessions that matter."""

    after: date | None = None
    bars: pd.DataFrame = field(default_factory=lambda: empty_table("bars").drop(columns="known"))
    tables: dict[str, pd.DataFrame] = field(
        default_factory=lambda: {name: empty_table(name) for name in SPECS if name != "bars"}
    )


@dataclass(frozen=True)
class Rows:
    """New bars among the stored and set-aside ones shortly before them, sorted by symbol and session."""

    frame: pd.DataFrame
    day: Ints
    is_new: Mask
    was_held: Mask

    @property
    def code(self) -> Ints:
        return self.frame["symbol"].cat.codes.to_numpy().astype(np.int64)


def context_start(after: date, since: date | None, trading_days: Days) -> date:
    """Return the first session whose stored bars are compared with: further back where an action comes late."""
    earliest = min(after, since or after)
    end = int(np.searchsorted(trading_days, np.datetime64(earliest, "D"), side="right"))
    first: date = trading_days[max(0, end - CONTEXT_SESSIONS)].item()
    return first


def in_order(frame: pd.DataFrame, order: NDArray[np.intp]) -> pd.DataFrame:
    """Return the rows in the order; the frame itself where they are: a copy of an import is gigabytes."""
    return frame if np.array_equal(order, np.arange(len(frame))) else frame.iloc[order]


def kept(frame: pd.DataFrame, keep: Mask) -> pd.DataFrame:
    """Return the rows to keep; the frame itself where all are."""
    return frame if keep.all() else frame[keep]


def gather(known: Known, fresh: pd.DataFrame, trading_days: Days, *, since: date | None) -> Rows:
    """Put stored and set-aside bars of the last sessions before the new ones."""
    first = pd.Timestamp("1900-01-01")
    if known.after is not None:
        first = pd.Timestamp(context_start(known.after, since, trading_days))
    columns = list(SPECS["bars"].columns)
    stored = known.bars.loc[known.bars["session"] >= first, columns]
    aside = known.tables["quarantine"]
    aside = aside.loc[(aside["session"] >= first) & aside["rule"].isin(HOLDING_RULES), columns]
    if stored.empty and aside.empty:  # a first import: gigabytes, and in order as they come
        joined, origin = fresh[columns].reset_index(drop=True), np.full(len(fresh), 2, dtype=np.int8)
    else:
        joined, origin = _joined(stored, aside, fresh[columns].astype({"symbol": "str"}))
    days = joined["session"].to_numpy().astype("datetime64[D]")
    day = np.searchsorted(trading_days, days).astype(np.int64)
    return Rows(joined, day, origin == 2, origin == 1)


def _joined(*parts: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    """Return the rows of the parts by symbol and session, a part's before a later one's, and whose each row is."""
    origin = np.repeat(np.arange(len(parts), dtype=np.int8), [len(part) for part in parts])
    joined = pd.concat(parts, ignore_index=True)
    joined = joined.assign(symbol=joined["symbol"].astype("category"), origin=origin)
    order = np.lexsort((origin, joined["session"].to_numpy(), joined["symbol"].cat.codes.to_numpy()))
    joined = joined.iloc[order]
    if (origin == 1).any():  # a set-aside bar that was corrected since stands among the stored ones
        joined = joined.drop_duplicates(["symbol", "session"], keep="first")
    return joined.drop(columns="origin").reset_index(drop=True), joined["origin"].to_numpy()
