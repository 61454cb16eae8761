"""Write the lake: append to its tables one after the other, and write the head last.

If a refresh is interrupted, the head still names the old versions; the next refresh restores a table that is ahead of
the head before it appends.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from tasks.data.lake.delta import open_table, translating_write_errors
from tasks.data.lake.digest import COVERED, session_digests
from tasks.data.lake.head import Head, store_superseded, write_head
from tasks.data.lake.seals import with_file_digests
from tasks.data.lake.storage.files import concurrent_write
from tasks.data.lake.storage.location import table_options
from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.lake.sync import sync_commits
from tasks.data.lake.types import stream_by_year, to_arrow
from tasks.data.schema.batch import Batch
from tasks.data.schema.finding_rows import serious_findings
from tasks.data.schema.records import Bucket, LakeLocation
from tasks.data.schema.tables import SPECS, as_seen_on

if TYPE_CHECKING:
    from deltalake import DeltaTable, PostCommitHookProperties

CHECKPOINT_EVERY = (
    10  # versions, in a bucket: opening a table reads every log entry since the last checkpoint
)
TICK_S = 0.01  # the clock of the log entries counts milliseconds
FOREIGN_HOURS = 24  # in a bucket: no refresh of another home takes longer
MAX_FILES = 48  # of one year of bars, or of any other table, before they are compacted
LOG_PROPERTIES = {"delta.logRetentionDuration": "interval 36500 days"}  # old snapshots stay readable


def commit(
    lake: LakeLocation,
    head: Head | None,
    batch: Batch,
    *,
    provider: str,
    through: date,
    at: datetime,
    simulated_version: int | None = None,
) -> Head:
    """Append the batch, commit the new snapshot and return its head. Repairs what an interrupted refresh left."""
    if head is None:
        # from here on, tables without a version in the head are leftovers
        head = write_head(lake, Head(provider))
    if head.last_session == through:
        store_superseded(lake, head)  # a published day may depend on the earlier data of this session
    rows = {**batch.rows, "sessions": _sessions(lake, head, batch, through)}
    versions, counts = dict(head.versions), dict(head.rows)
    with translating_write_errors(lake):
        for name in SPECS:
            if len(rows[name]):
                versions[name] = _append(lake, name, rows[name], versions.get(name), head.revision + 1)
                counts[name] = counts.get(name, 0) + len(rows[name])
    bars = rows["bars"]["session"]
    first = min(day for day in (head.first_session, *_first_and_last(bars)) if day is not None)
    committed = replace(
        head,
        revision=head.revision + 1,
        provider=provider,
        refreshed_at=at,
        first_session=first,
        last_session=through,
        versions=versions,
        rows=counts,
        simulated_version=simulated_version,
    )
    return write_head(lake, with_file_digests(lake, committed, before=head))


def delete_unreferenced_files(lake: LakeLocation, head: Head, *, keep: Sequence[Head]) -> None:
    """Delete the table files that neither the head nor one of `keep` references.

    The tables record the deletion in their logs, so their versions advance; in a directory the head advances with them.
    An interruption is harmless: the files of the old head remain, and the next writer restores the tables to it. In a
    bucket the head is left to the next writer, and recent files remain: a refresh of another home may be about to
    reference them.
    """
    age_hours = FOREIGN_HOURS if isinstance(lake, Bucket) else 0
    versions = {}
    with translating_write_errors(lake):
        for name, version in head.versions.items():
            table = _at_version(lake, name, version)
            kept = {version, table.version(), *(other.versions.get(name, version) for other in keep)}
            time.sleep(TICK_S)  # files that were removed in the millisecond of the vacuum would be retained
            table.vacuum(
                age_hours,
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                keep_versions=sorted(kept),
            )
            table.update_incremental()
            versions[name] = int(table.version())
            _sync_versions(lake, name, version + 1, versions[name])
    if not isinstance(lake, Bucket):
        write_head(lake, with_file_digests(lake, replace(head, versions=versions), before=head))


def _first_and_last(days: pd.Series) -> tuple[date, ...]:
    return () if days.empty else (days.min().date(), days.max().date())


def _sessions(lake: LakeLocation, head: Head, batch: Batch, through: date) -> pd.DataFrame:
    """Return the digest of every session that the batch adds or changes."""
    fresh = {name: batch.rows[name] for name in COVERED}
    fresh["findings"] = serious_findings(fresh["findings"])
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
    lake: LakeLocation,
    head: Head,
    fresh: dict[str, pd.DataFrame],
    amendments: pd.DataFrame,
    old: list[pd.Timestamp],
) -> dict[str, pd.DataFrame]:
    """Add the stored rows of the sessions in `old` to the new rows."""
    result = {}
    for name, frame in fresh.items():
        if name == "bars":
            stored = read_bar_frame(lake, head.versions, since=old[0].date(), through=old[-1].date())
            frame = pd.concat([frame.astype({"symbol": "str"}), amendments[list(frame.columns)]])  # noqa: PLW2901
        else:
            stored = as_seen_on(read_table(lake, head.versions, name), name, None)
        if name == "findings":
            stored = serious_findings(stored)
        stored = stored[stored["session"].isin(old)]
        both = pd.concat([stored, frame], ignore_index=True)
        result[name] = both.drop_duplicates(list(SPECS[name].key), keep="last", ignore_index=True)
    return result


def _append(lake: LakeLocation, name: str, frame: pd.DataFrame, version: int | None, revision: int) -> int:
    """Append rows to the committed version, make them durable and return the new version."""
    from deltalake import PostCommitHookProperties, WriterProperties, write_deltalake

    table = _clear_leftover(lake, name) if version is None else _at_version(lake, name, version)
    before = -1 if table is None else table.version()
    how: dict[str, Any]
    if table is None:
        how = {"mode": "error", "configuration": LOG_PROPERTIES}
    elif version is None:
        how = {"mode": "overwrite", "schema_mode": "overwrite"}
    else:  # merged: new items of fundamentals, and columns of a later release
        how = {"mode": "append", "schema_mode": "merge"}
    hooks = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
    write_deltalake(
        table or f"{lake}/{name}",
        stream_by_year(frame, revision) if name == "bars" else to_arrow(frame, name, revision),
        partition_by=["year"] if name == "bars" else None,
        storage_options=table_options(lake),
        writer_properties=WriterProperties(compression="ZSTD"),
        post_commithook_properties=hooks,
        **how,
    )
    table = table or open_table(lake, name)
    _refuse_interleaved_commits(lake, table, since=before)
    _compact(lake, table, name, frame, hooks)
    if isinstance(lake, Bucket) and (table.version() + 1) % CHECKPOINT_EVERY == 0:
        table.create_checkpoint()
    _sync_versions(lake, name, 0 if version is None else version + 1, table.version())
    return int(table.version())


def _clear_leftover(lake: LakeLocation, name: str) -> "DeltaTable | None":
    """Remove a table that an interrupted first refresh left: nothing of it was ever committed.

    In a bucket that refresh may belong to another home and still be running. There the table is not deleted but
    returned, to be overwritten by a new version.
    """
    from deltalake.exceptions import TableNotFoundError

    if isinstance(lake, Bucket):
        try:
            return open_table(lake, name)
        except TableNotFoundError:
            return None
    if (lake / name).exists():
        shutil.rmtree(lake / name)
    return None


def _at_version(lake: LakeLocation, name: str, version: int) -> "DeltaTable":
    """Open the table for writing; a table ahead of the head is first restored to its version."""
    table = open_table(lake, name)
    if table.version() != version:
        table.restore(version)
    return table


def _compact(
    lake: LakeLocation, table: "DeltaTable", name: str, frame: pd.DataFrame, hooks: "PostCommitHookProperties"
) -> None:
    """Compact small files when there are many: daily refreshes add one file each."""
    filters = [("year", "=", str(frame["session"].max().year))] if name == "bars" else None
    if len(table.file_uris(file_pruning_predicate=filters)) > MAX_FILES:
        before = table.version()
        table.optimize.compact(partition_filters=filters, post_commithook_properties=hooks)
        _refuse_interleaved_commits(lake, table, since=before)


def _refuse_interleaved_commits(lake: LakeLocation, table: "DeltaTable", *, since: int) -> None:
    """Refuse a version that does not directly follow ours: the library commits on top of any commit in between.

    Versions never change, so a head that names only consecutive versions is correct, whoever else wrote.
    """
    if table.version() > since + 1:
        raise concurrent_write(lake)


def _sync_versions(lake: LakeLocation, name: str, first: int, last: int) -> None:
    """Make versions survive a power failure; in a bucket every acknowledged write does."""
    if not isinstance(lake, Bucket):
        sync_commits(lake / name, first, last)
