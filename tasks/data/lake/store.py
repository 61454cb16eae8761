"""Read the lake: append-only Delta tables at the versions that a head names. lake/commits writes it."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import pandas as pd

from tasks.data.lake.delta import open_table, translating_read_errors
from tasks.data.lake.digest import snapshot_id
from tasks.data.lake.head import Head
from tasks.data.lake.hindsight import has_hindsight
from tasks.data.lake.storage.location import files_of
from tasks.data.lake.types import bar_columns, no_bars, to_frame
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import LakeLocation, PanelRules, SnapshotRef
from tasks.data.schema.tables import SPECS, as_seen_on, empty_table, with_all_columns

HASHED_TABLES = ("members", "listings", "fundamentals", "renames", "delistings", "lives")


def make_snapshot(lake: LakeLocation, head: Head, session: date, rules: PanelRules) -> SnapshotRef:
    """Return the snapshot of what is known at the session's close."""
    return SnapshotRef(id_of_snapshot(lake, head, session), lake, session, dict(head.versions), rules)


def id_of_snapshot(lake: LakeLocation, head: Head, session: date) -> str:
    """Return the id of what is known at the session's close: a hash of content, independent of history."""
    tables = read_tables(lake, head.versions, ("sessions", *HASHED_TABLES), session=session)
    sessions = tables.pop("sessions")
    lasting = {
        name: frame if SPECS[name].keeps_history else frame.drop(columns="known")
        for name, frame in tables.items()
    }
    # a file of sectors has no dates: it may list names that begin to trade after the session
    has_traded = lasting["listings"]["symbol"].isin(lasting["lives"]["symbol"])
    lasting["listings"] = lasting["listings"][has_traded]
    return snapshot_id(sessions, lasting)


def read_tables(
    lake: LakeLocation, versions: Mapping[str, int], names: tuple[str, ...], *, session: date | None
) -> dict[str, pd.DataFrame]:
    """Return tables as known at the session's close (None: everything that is known); absent ones are empty.

    Results are cached, as those of `read_table` are.
    """
    result = {}
    for name in names:
        if name in versions:
            stamp = _stamp(lake, name, versions[name])
            frame = _table_as_seen(lake, name, versions[name], session, stamp, has_hindsight())
            result[name] = frame.copy(deep=False)  # copy on write: the cached frame is never changed
        else:
            result[name] = empty_table(name)
    return result


def stamps_of(lake: LakeLocation, versions: Mapping[str, int]) -> tuple[tuple[str, int, str], ...]:
    """Return each table's version, and a stamp that changes when the table is replaced at the same version."""
    return tuple((name, version, _stamp(lake, name, version)) for name, version in sorted(versions.items()))


def _stamp(lake: LakeLocation, name: str, version: int) -> str:
    return files_of(lake).stamp(f"{name}/_delta_log/{version:020d}.json")


@lru_cache(maxsize=48)
def _table_as_seen(
    lake: LakeLocation,
    name: str,
    version: int,
    session: date | None,
    _stamp: str,
    hindsight: bool,  # noqa: FBT001 - lru_cache takes a keyword as another call
) -> pd.DataFrame:
    return as_seen_on(read_table(lake, {name: version}, name), name, session, hindsight=hindsight)


def read_table(lake: LakeLocation, versions: Mapping[str, int], name: str) -> pd.DataFrame:
    """Return all rows of a table at its committed version; an absent table is empty.

    A committed version never changes, and the gates, the panel and the backtest read the same tables: results are
    cached.
    """
    if name not in versions:
        return empty_table(name)
    frame = _stored_table(lake, name, versions[name], _stamp(lake, name, versions[name]))
    return frame.copy(deep=False)  # copy on write: the cached frame is never changed


@lru_cache(maxsize=len(SPECS))
def _stored_table(lake: LakeLocation, name: str, version: int, _stamp: str) -> pd.DataFrame:
    with translating_read_errors(lake, name):
        table = open_table(lake, name, version).to_pyarrow_table()
        return with_all_columns(to_frame(table), name)


def read_bars(lake: LakeLocation, versions: Mapping[str, int], *, since: date, through: date) -> BarColumns:
    """Return the bars from `since` through `through` as first delivered, without amendments."""
    if "bars" not in versions:
        return no_bars()
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as pads

    with translating_read_errors(lake, "bars"):
        dataset = open_table(lake, "bars", versions["bars"]).to_pyarrow_dataset(
            file_pruning_predicate=[("year", ">=", str(since.year)), ("year", "<=", str(through.year))],
            parquet_read_options=pads.ParquetReadOptions(dictionary_columns={"symbol"}),
        )
        between = (pc.field("session") >= pa.scalar(since)) & (pc.field("session") <= pa.scalar(through))
        table = dataset.to_table(columns=list(SPECS["bars"].columns), filter=between)
    return bar_columns(table)


def read_bar_frame(
    lake: LakeLocation,
    versions: Mapping[str, int],
    *,
    since: date,
    through: date,
    known_on: date | None = None,
) -> pd.DataFrame:
    """Return the bars from `since` through `through` with amendments known by `known_on` (None: all), as a frame."""
    frame = read_bars(lake, versions, since=since, through=through).frame()
    stored = read_table(lake, versions, "amendments")
    amended = as_seen_on(stored, "amendments", known_on, hindsight=has_hindsight())
    amended = amended[
        (amended["session"] >= pd.Timestamp(since)) & (amended["session"] <= pd.Timestamp(through))
    ]
    if amended.empty:
        return frame
    both = pd.concat([frame, amended[list(frame.columns)]], ignore_index=True)
    return both.drop_duplicates(["symbol", "session"], keep="last", ignore_index=True)
