"""Define the stored tables and how they are read as of a past session.

Tables are append-only. A row carries `known`, the session at whose close it was known; a corrected row is a later
row with the same key. A reader as of a session sees, for each key, the last row known by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd

from tasks.data.schema.columns import COLUMNS, EMPTY_DTYPES, Kind
from tasks.data.schema.records import Mask

OHLCV = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Spec:
    """Columns of a stored table, the key of a row, and the column of the day that a row is about."""

    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    day: str
    keeps_history: bool = False  # readers need every version of a row, not only the last


_FINDING: Mapping[str, Kind] = {
    "symbol": "text",
    "session": "day",
    "rule": "text",
    "severity": "text",
    "evidence": "text",
    "action": "text",
}

SPECS: Mapping[str, Spec] = {
    "bars": Spec(COLUMNS["bars"], ("symbol", "session"), "session"),
    # restated and late bars; they replace rows of `bars` for readers as of `known` or later
    "amendments": Spec(COLUMNS["bars"], ("symbol", "session"), "session"),
    # bars that failed a check; `rule` names it
    "quarantine": Spec({**COLUMNS["bars"], "rule": "text"}, ("symbol", "session", "rule"), "session"),
    "actions": Spec({**COLUMNS["actions"], "factor": "number"}, ("symbol", "session"), "session"),
    "levels": Spec({**COLUMNS["levels"], "growth": "number"}, ("name", "session"), "session"),
    "members": Spec(COLUMNS["members"], ("symbol", "start"), "start"),
    "listings": Spec(COLUMNS["listings"], ("symbol", "available_date"), "available_date"),
    "fundamentals": Spec(COLUMNS["fundamentals"], ("symbol", "end_date", "available_date"), "available_date"),
    "riskfree": Spec(COLUMNS["riskfree"], ("session",), "session"),
    "renames": Spec(COLUMNS["renames"], ("old", "new", "session"), "session"),
    "delistings": Spec(COLUMNS["delistings"], ("symbol", "session"), "session"),
    # where a symbol begins to denote another company: its first bar, or the first after a long gap
    "lives": Spec({"symbol": "text", "first": "day"}, ("symbol", "first"), "first"),
    "findings": Spec(_FINDING, ("symbol", "session", "rule"), "session"),
    "sessions": Spec({"session": "day", "bars": "number", "digest": "text"}, ("session",), "session"),
}

FINDING_COLUMNS = tuple(_FINDING)


@cache
def empty_table(name: str) -> pd.DataFrame:
    """Return the stored table without rows. The frame is shared: never change it in place."""
    columns = {**SPECS[name].columns, "known": "day"}
    return pd.DataFrame({column: pd.Series(dtype=EMPTY_DTYPES[kind]) for column, kind in columns.items()})


def with_all_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add the columns that a later release stores; they are empty in rows of earlier releases."""
    columns: dict[str, pd.Series] = {}
    for column, kind in SPECS[name].columns.items():
        if column not in frame.columns:
            columns[column] = pd.Series("" if kind == "text" else None, frame.index, EMPTY_DTYPES[kind])
        elif kind == "text" and frame[column].hasnans:
            columns[column] = frame[column].fillna("")
    return frame.assign(**columns)


def as_seen_on(
    frame: pd.DataFrame, name: str, session: date | None, *, hindsight: bool = False
) -> pd.DataFrame:
    """Return the table as known at the session's close (None: everything that is known).

    With `hindsight`, rows about days until the session as corrected since.
    """
    if session is not None:
        frame = frame[frame[SPECS[name].day if hindsight else "known"] <= pd.Timestamp(session)]
    if frame.empty:
        return empty_table(name)
    order = ["known", "revision"] if "revision" in frame.columns else ["known"]
    seen = frame.sort_values(order, kind="stable")
    if not SPECS[name].keeps_history:
        seen = seen.drop_duplicates(list(SPECS[name].key), keep="last")
    if name == "fundamentals":  # an item that no company has reported by then is absent
        seen = seen.dropna(axis="columns", how="all")
    if name == "members" and session is not None:  # a future end is not known yet
        seen = seen.assign(end=seen["end"].where(seen["end"] <= pd.Timestamp(session)))
    return seen.drop(columns="revision", errors="ignore").reset_index(drop=True)


def changed_rows(delivered: pd.DataFrame, stored: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the delivered rows that are new, or differ from the stored row of the same key."""
    if stored.empty or delivered.empty:
        return delivered
    values = [name for name in delivered.columns if name not in key and name in stored.columns]
    known = stored.drop_duplicates(list(key), keep="last")[[*key, *values]]
    joined = delivered[[*key]].merge(known, on=list(key), how="left", indicator=True)
    same = (joined["_merge"] == "both").to_numpy(dtype=bool, copy=True)
    for name in values:
        same &= _equal(delivered[name], joined[name])
    return delivered[~same]


def known_from(day: pd.Series, *, after: date | None, through: date) -> pd.Series:
    """Return when a row that arrives now counts as known: on its own day, or on `through` when it is late."""
    own = pd.Series(day.to_numpy().astype("datetime64[s]"), index=day.index)
    if after is None:
        return own
    return own.where(own > pd.Timestamp(after), pd.Timestamp(through))


def _equal(one: pd.Series, other: pd.Series) -> Mask:
    same: Mask
    if pd.api.types.is_numeric_dtype(one):
        left, right = one.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
    elif pd.api.types.is_datetime64_any_dtype(one):
        day, other_day = one.to_numpy().astype("datetime64[D]"), other.to_numpy().astype("datetime64[D]")
        same = (day == other_day) | (np.isnat(day) & np.isnat(other_day))
    else:
        same = (one.to_numpy(dtype=object) == other.to_numpy(dtype=object)).astype(bool)
    return same
