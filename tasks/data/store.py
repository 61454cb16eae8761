"""Keep the lake: Delta tables that only grow, and a head that says which versions count. Nobody else touches them.

A refresh appends to the tables one after the other and writes the head last. If it dies in between, the head still
names the old versions; the next refresh takes a table that ran ahead back to the head before it appends.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from tasks.core.errors import AftercloseError, DataError, StorageError
from tasks.core.sessions import sessions_between
from tasks.data.arrow import bar_columns, no_bars, to_arrow, to_frame
from tasks.data.digest import COVERED, session_digests, snapshot_id
from tasks.data.durable import sync_commits
from tasks.data.head import Head, keep_superseded, write_head
from tasks.data.intake import Batch
from tasks.data.panel import BarColumns, assemble
from tasks.data.place import (
    Bucket,
    Place,
    files_of,
    table_options,
    trouble_with,
    written_meanwhile,
)
from tasks.data.schema import Panel, PanelRules, SnapshotRef
from tasks.data.tables import SPECS, as_seen_on, empty_table, with_all_columns
from tasks.data.universe import LOOKBACK_SESSIONS

if TYPE_CHECKING:
    from deltalake import DeltaTable, PostCommitHookProperties

CHECKPOINT_EVERY = 10  # versions, in a bucket: who opens the table asks for each log entry since then
FOREIGN_HOURS = 24  # in a bucket no refresh of another home lasts longer
MAX_FILES = 48  # of one year of bars, or of a whole other table, before they are put together
LOG_PROPERTIES = {"delta.logRetentionDuration": "interval 36500 days"}  # old snapshots stay readable
PANEL_TABLES = (
    "amendments",
    "actions",
    "levels",
    "members",
    "listings",
    "fundamentals",
    "riskfree",
    "renames",
    "lives",
    "findings",
)
HASHED_TABLES = ("members", "listings", "fundamentals", "renames", "delistings", "lives")


def read_panel(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the last `window` sessions up to the snapshot's (None: all), aligned, with nothing later in them.

    Columns are the companies with a bar in the window, by name. A windowed panel equals the whole one on its rows.
    """
    if snapshot.rules is None:
        raise _unreadable("The snapshot carries no rules to read a panel by.", "Take it from refresh_market.")
    tables = read_tables(snapshot.lake, snapshot.versions, PANEL_TABLES, session=snapshot.session)
    first = tables["lives"]["first"].min()
    if pd.isna(first):
        raise _unreadable(f"The lake has no bars up to {snapshot.session}.", "Name a later date.")
    sessions = sessions_between(first.date(), snapshot.session)
    start = 0 if window is None else max(0, len(sessions) - window)
    lookback = max(0, start - LOOKBACK_SESSIONS)
    bars = read_bars(
        snapshot.lake, snapshot.versions, since=sessions[lookback].item(), through=snapshot.session
    )
    return assemble(bars, tables, sessions, start=start, lookback=lookback, rules=snapshot.rules)


def make_snapshot(lake: Place, head: Head, session: date, rules: PanelRules) -> SnapshotRef:
    """Name the data that is known at the session's close."""
    return SnapshotRef(id_of_snapshot(lake, head, session), lake, session, dict(head.versions), rules)


def id_of_snapshot(lake: Place, head: Head, session: date) -> str:
    """Return the id of what is known at the session's close: a hash of content, whatever refreshes led there."""
    tables = read_tables(lake, head.versions, ("sessions", *HASHED_TABLES), session=session)
    sessions = tables.pop("sessions")
    lasting = {
        name: frame if SPECS[name].keeps_history else frame.drop(columns="known")
        for name, frame in tables.items()
    }
    return snapshot_id(sessions, lasting)


def read_tables(
    lake: Place, versions: Mapping[str, int], names: tuple[str, ...], *, session: date | None
) -> dict[str, pd.DataFrame]:
    """Return tables as seen at the session's close (None: with everything that is known).

    A committed version never changes, and several stages of a day ask for the same: the last answers are kept.
    """
    result, files = {}, files_of(lake)
    for name in names:
        if name in versions:
            stamp = files.stamp(f"{name}/_delta_log/{versions[name]:020d}.json")
            frame = _table_as_seen(lake, name, versions[name], session, stamp)
            result[name] = frame.copy(deep=False)  # copy on write: nobody changes what is kept
        else:
            result[name] = empty_table(name)
    return result


@lru_cache(maxsize=48)
def _table_as_seen(lake: Place, name: str, version: int, session: date | None, _stamp: str) -> pd.DataFrame:
    return as_seen_on(read_table(lake, {name: version}, name), name, session)


def read_table(lake: Place, versions: Mapping[str, int], name: str) -> pd.DataFrame:
    """Return all rows of a table at its committed version; an absent table is an empty one."""
    if name not in versions:
        return empty_table(name)
    with _reading(lake, name):
        table = _open(lake, name, versions[name]).to_pyarrow_table()
        return with_all_columns(to_frame(table), name)


def read_bars(lake: Place, versions: Mapping[str, int], *, since: date, through: date) -> BarColumns:
    """Return the bars of the sessions between, as first delivered: amendments come on top of them."""
    if "bars" not in versions:
        return no_bars()
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as pads

    with _reading(lake, "bars"):
        dataset = _open(lake, "bars", versions["bars"]).to_pyarrow_dataset(
            file_pruning_predicate=[("year", ">=", str(since.year)), ("year", "<=", str(through.year))],
            parquet_read_options=pads.ParquetReadOptions(dictionary_columns={"symbol"}),
        )
        between = (pc.field("session") >= pa.scalar(since)) & (pc.field("session") <= pa.scalar(through))
        table = dataset.to_table(columns=list(SPECS["bars"].columns), filter=between)
    return bar_columns(table)


def read_bar_frame(
    lake: Place, versions: Mapping[str, int], *, since: date, through: date, known_on: date | None = None
) -> pd.DataFrame:
    """Return the bars of the sessions between with what was amended by `known_on` (None: ever), as a frame."""
    frame = read_bars(lake, versions, since=since, through=through).frame()
    amended = as_seen_on(read_table(lake, versions, "amendments"), "amendments", known_on)
    amended = amended[
        (amended["session"] >= pd.Timestamp(since)) & (amended["session"] <= pd.Timestamp(through))
    ]
    if amended.empty:
        return frame
    both = pd.concat([frame, amended[list(frame.columns)]], ignore_index=True)
    return both.drop_duplicates(["symbol", "session"], keep="last", ignore_index=True)


def commit(
    lake: Place, head: Head | None, batch: Batch, *, provider: str, through: date, at: datetime
) -> Head:
    """Append the batch and make it the committed snapshot; return the new head. Heals what a crash left."""
    if head is None:
        head = write_head(
            lake, Head(provider)
        )  # from here on, tables without a version in the head are known to be leftovers
    if head.last_session == through:
        keep_superseded(lake, head)  # the session is told anew: a day may stand on what was told before
    rows = {**batch.rows, "sessions": _sessions(lake, head, batch, through)}
    versions, counts = dict(head.versions), dict(head.rows)
    with _writing(lake):
        for name in SPECS:
            if len(rows[name]):
                versions[name] = _append(lake, name, rows[name], versions.get(name), head.revision + 1)
                counts[name] = counts.get(name, 0) + len(rows[name])
    bars = rows["bars"]["session"]
    first = min(day for day in (head.first_session, *_edges(bars)) if day is not None)
    committed = replace(
        head,
        revision=head.revision + 1,
        provider=provider,
        refreshed_at=at,
        first_session=first,
        last_session=through,
        versions=versions,
        rows=counts,
    )
    return write_head(lake, committed)


def drop_unnamed_files(lake: Place, head: Head, *, keep: Sequence[Head]) -> None:
    """Delete the table files that neither the head nor one of `keep` names.

    The tables note the deletion in their logs, so their versions move on, and in a folder the head with them. Dying in
    between harms nothing: what the old head names stays, and the next writer takes the tables back to it. In a bucket
    that is left to the next writer, and young files stay: a refresh of another home may be about to name them.
    """
    age_hours = FOREIGN_HOURS if isinstance(lake, Bucket) else 0
    versions = {}
    with _writing(lake):
        for name, version in head.versions.items():
            table = _healed(lake, name, version)
            kept = {version, table.version(), *(other.versions.get(name, version) for other in keep)}
            table.vacuum(
                age_hours,
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                keep_versions=sorted(kept),
            )
            table.update_incremental()
            versions[name] = int(table.version())
            _keep(lake, name, version + 1, versions[name])
    if not isinstance(lake, Bucket):
        write_head(lake, replace(head, versions=versions))


def _edges(days: pd.Series) -> tuple[date, ...]:
    return () if days.empty else (days.min().date(), days.max().date())


def _sessions(lake: Place, head: Head, batch: Batch, through: date) -> pd.DataFrame:
    """Return the digest of every session that the batch adds to or changes."""
    serious = batch.rows["findings"][batch.rows["findings"]["severity"] == "quarantine"]
    fresh = {name: batch.rows[name] for name in COVERED if name != "findings"} | {"findings": serious}
    touched = {
        day for frame in (*fresh.values(), batch.rows["amendments"]) for day in frame["session"].unique()
    }
    old = sorted(day for day in touched if head.last_session and day <= pd.Timestamp(head.last_session))
    if old:
        fresh = _with_stored(lake, head, fresh, batch.rows["amendments"], old)
    digests = session_digests(fresh)
    counts = fresh["bars"]["session"].value_counts()
    days = pd.Series(list(digests), dtype="datetime64[s]")
    late = days <= pd.Timestamp(head.last_session or date(1900, 1, 1))
    return pd.DataFrame(
        {
            "session": days,
            "bars": days.map(counts).fillna(0.0).astype("float64"),
            "digest": pd.Series(list(digests.values()), dtype="str"),
            "known": days.where(~late, pd.Timestamp(through)),
        }
    )


def _with_stored(
    lake: Place, head: Head, fresh: dict[str, pd.DataFrame], amendments: pd.DataFrame, old: list[pd.Timestamp]
) -> dict[str, pd.DataFrame]:
    """Add to the new rows what the lake holds of sessions that were there before."""
    result = {}
    for name, frame in fresh.items():
        if name == "bars":
            stored = read_bar_frame(lake, head.versions, since=old[0].date(), through=old[-1].date())
            frame = pd.concat([frame.astype({"symbol": "str"}), amendments[list(frame.columns)]])  # noqa: PLW2901
        else:
            stored = as_seen_on(read_table(lake, head.versions, name), name, None)
        if name == "findings":
            stored = stored[stored["severity"] == "quarantine"]
        stored = stored[stored["session"].isin(old)]
        both = pd.concat([stored, frame], ignore_index=True)
        result[name] = both.drop_duplicates(list(SPECS[name].key), keep="last", ignore_index=True)
    return result


def _append(lake: Place, name: str, frame: pd.DataFrame, version: int | None, revision: int) -> int:
    """Append rows on top of the committed version and return the new one, safely kept."""
    from deltalake import PostCommitHookProperties, WriterProperties, write_deltalake

    table = _leftover(lake, name) if version is None else _healed(lake, name, version)
    before = -1 if table is None else table.version()
    how: dict[str, Any]
    if table is None:
        how = {"mode": "error", "configuration": LOG_PROPERTIES}
    elif version is None:
        how = {"mode": "overwrite", "schema_mode": "overwrite"}
    else:  # merged: fundamentals, and what a later release adds
        how = {"mode": "append", "schema_mode": "merge"}
    hooks = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
    write_deltalake(
        table or f"{lake}/{name}",
        to_arrow(frame, name, revision),
        partition_by=["year"] if name == "bars" else None,
        storage_options=table_options(lake),
        writer_properties=WriterProperties(compression="ZSTD"),
        post_commithook_properties=hooks,
        **how,
    )
    table = table or _open(lake, name)
    _refuse_mixture(lake, table, since=before)
    _put_together(lake, table, name, frame, hooks)
    if isinstance(lake, Bucket) and (table.version() + 1) % CHECKPOINT_EVERY == 0:
        table.create_checkpoint()
    _keep(lake, name, 0 if version is None else version + 1, table.version())
    return int(table.version())


def _leftover(lake: Place, name: str) -> "DeltaTable | None":
    """Clear away what a first refresh left that died before its head: nothing of it was ever committed.

    In a bucket that refresh may be another home's and still alive. Nothing is deleted there; the table is handed out,
    to be written over as a version of its own.
    """
    from deltalake.exceptions import TableNotFoundError

    if isinstance(lake, Bucket):
        try:
            return _open(lake, name)
        except TableNotFoundError:
            return None
    if (lake / name).exists():
        shutil.rmtree(lake / name)
    return None


def _healed(lake: Place, name: str, version: int) -> "DeltaTable":
    """Open the table for writing; one that ran ahead of the head is taken back to it first."""
    table = _open(lake, name)
    if table.version() != version:
        table.restore(version)
    return table


def _put_together(
    lake: Place, table: "DeltaTable", name: str, frame: pd.DataFrame, hooks: "PostCommitHookProperties"
) -> None:
    """Compact small files when there are many: daily refreshes add one file each."""
    filters = [("year", "=", str(frame["session"].max().year))] if name == "bars" else None
    if len(table.file_uris(file_pruning_predicate=filters)) > MAX_FILES:
        before = table.version()
        table.optimize.compact(partition_filters=filters, post_commithook_properties=hooks)
        _refuse_mixture(lake, table, since=before)


def _refuse_mixture(lake: Place, table: "DeltaTable", *, since: int) -> None:
    """Refuse a version that does not follow ours: the library commits on top of whatever came in between.

    Versions never change. So a head that names only such as followed one another is right, whoever else wrote.
    """
    if table.version() > since + 1:
        raise written_meanwhile(lake)


def _keep(lake: Place, name: str, first: int, last: int) -> None:
    """Make sure that versions outlive a power cut; what a bucket has acknowledged does."""
    if not isinstance(lake, Bucket):
        sync_commits(lake / name, first, last)


def _open(lake: Place, name: str, version: int | None = None) -> "DeltaTable":
    from deltalake import DeltaTable

    return DeltaTable(f"{lake}/{name}", version=version, storage_options=table_options(lake))


@contextmanager
def _reading(lake: Place, name: str) -> Iterator[None]:
    """Tell a damaged table in words: nothing is repaired, the head stays."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, ValueError) as error:
        if found := trouble_with(lake, error):
            raise found from None  # what a server answered is not for every eye
        raise _unreadable(
            f"Table {name} in {lake} is damaged: {_first_line(error)}",
            "Restore the lake from a backup, or move it away and refresh again.",
        ) from error


@contextmanager
def _writing(lake: Place) -> Iterator[None]:
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
    except AftercloseError:
        raise
    except (DeltaError, OSError) as error:
        if found := trouble_with(lake, error):
            raise found from None
        if isinstance(lake, Bucket) and (
            isinstance(error, CommitFailedError) or "already exists" in str(error)
        ):
            raise written_meanwhile(lake) from error
        raise StorageError(
            f"The lake {lake} could not be written: {_first_line(error)}",
            remedy="The last snapshot is intact; free space or mend permissions, then run again.",
            path=str(lake),
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]


def _unreadable(what: str, remedy: str) -> DataError:
    return DataError(what, remedy=remedy)
