"""Find the rows about past sessions that were changed, added or delivered after a given session's close."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.schema.records import LakeLocation
from tasks.data.schema.tables import SPECS, as_seen_on

TABLES = ("amendments", "actions", "levels", "fundamentals", "listings", "members", "riskfree", "renames")
NAMES: Mapping[str, str] = {"amendments": "bar", "actions": "corporate action", "levels": "index level"}
SUBJECTS = ("symbol", "name", "old")  # the column that names what a row is about


@dataclass(frozen=True)
class Changed:
    """One column of a row: its value as known then (None: no such row) and now."""

    column: str
    then: object
    now: object


@dataclass(frozen=True)
class RestatedRow:
    """A row that became known after the session, though it is about that session or an earlier one."""

    table: str
    symbol: str  # "" for a row about no symbol
    day: date
    known: date
    changes: tuple[Changed, ...]


def restated_rows(
    lake: LakeLocation, versions: Mapping[str, int], session: date, *, since: date
) -> tuple[RestatedRow, ...]:
    """Return the rows from `since` through the session that differ from what was known at its close, latest first."""
    found = [row for name in TABLES for row in _restated(lake, versions, name, session, since)]
    return tuple(sorted(found, key=lambda row: (row.day, row.symbol), reverse=True))


def _restated(
    lake: LakeLocation, versions: Mapping[str, int], name: str, session: date, since: date
) -> Iterator[RestatedRow]:
    spec, table = SPECS[name], read_table(lake, versions, name)
    about = table[spec.day]
    inside = (about >= pd.Timestamp(since)) & (about <= pd.Timestamp(session))
    late = table[inside & (table["known"] > pd.Timestamp(session))]
    if late.empty:
        return
    if name == "amendments":
        seen = read_bar_frame(lake, versions, since=since, through=session, known_on=session)
    else:
        seen = as_seen_on(table, name, session)
    key = list(spec.key)
    earlier = seen.drop_duplicates(key, keep="last").set_index(key).to_dict("index")
    newest = late.sort_values("known", kind="stable").drop_duplicates(key, keep="last")
    for row in newest.to_dict("records"):
        place = tuple(row[column] for column in key)
        then = earlier.get(place if len(key) > 1 else place[0])
        changes = tuple(_changes(row, then, [column for column in spec.columns if column not in key]))
        if changes:
            subject = next((str(row[column]) for column in SUBJECTS if column in row), "")
            yield RestatedRow(
                NAMES.get(name, name), subject, row[spec.day].date(), row["known"].date(), changes
            )


def _changes(row: Mapping[Any, Any], then: Mapping[Any, Any] | None, columns: list[str]) -> Iterator[Changed]:
    for column in columns:
        now, before = row.get(column), None if then is None else then.get(column)
        if pd.isna(now) and pd.isna(before):
            continue
        if now != before:
            yield Changed(column, before, now)
