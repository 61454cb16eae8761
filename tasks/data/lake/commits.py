"""Write the lake: append to its tables one after the other, and the head last.

If a refresh dies in between, the head still names the old versions; the next one takes a table that ran ahead back to
the head before it appends.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from tasks.data.lake.delta import open_table, writing
from tasks.data.lake.digest import COVERED, session_digests
from tasks.data.lake.files import written_meanwhile
from tasks.data.lake.head import Head, keep_superseded, write_head
from tasks.data.lake.location import table_options
from tasks.data.lake.seals import sealed
from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.lake.sync import sync_commits
from tasks.data.lake.types import to_arrow, year_by_year
from tasks.data.schema.batch import Batch
from tasks.data.schema.records import Bucket, Place
from tasks.data.schema.tables import SPECS, as_seen_on

if TYPE_CHECKING:
    from deltalake import DeltaTable, PostCommitHookProperties

CHECKPOINT_EVERY = 10  # versions, in a bucket: who opens the table asks for each log entry since then
FOREIGN_HOURS = 24  # in a bucket no refresh of another home lasts longer
MAX_FILES = 48  # of one year of bars, or of a whole other table, before they are put together
LOG_PROPERTIES = {"delta.logRetentionDuration": "interval 36500 days"}  # old snapshots stay readable


def commit(
    lake: Place, head: Head | None, batch: Batch, *, provider: str, through: date, at: datetime
) -> Head:
    """Append the batch and make it the committed snapshot; return the new head. Heals what a crash left."""
    if head is None:
        # from here on, tables without a version in the head are known to be leftovers
        head = write_head(lake, Head(provider))
    if head.last_session == through:
        keep_superseded(lake, head)  # the session is told anew: a day may stand on what was told before
    rows = {**batch.rows, "sessions": _sessions(lake, head, batch, through)}
    versions, counts = dict(head.versions), dict(head.rows)
    with writing(lake):
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
    return write_head(lake, sealed(lake, committed, before=head))


def drop_unnamed_files(lake: Place, head: Head, *, keep: Sequence[Head]) -> None:
    """Delete the table files that neither the head nor one of `keep` names.

    The tables note the deletion in their logs, so their versions move on, and in a folder the head with them. Dying in
    between harms nothing: what the old head names stays, and the next writer takes the tables back to it. In a bucket
    that is left to the next writer, and young files stay: a refresh of another home may be about to name them.
    """
    age_hours = FOREIGN_HOURS if isinstance(lake, Bucket) else 0
    versions = {}
    with writing(lake):
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
        write_head(lake, sealed(lake, replace(head, versions=versions), before=head))


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
        year_by_year(frame, revision) if name == "bars" else to_arrow(frame, name, revision),
        partition_by=["year"] if name == "bars" else None,
        storage_options=table_options(lake),
        writer_properties=WriterProperties(compression="ZSTD"),
        post_commithook_properties=hooks,
        **how,
    )
    table = table or open_table(lake, name)
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
            return open_table(lake, name)
        except TableNotFoundError:
            return None
    if (lake / name).exists():
        shutil.rmtree(lake / name)
    return None


def _healed(lake: Place, name: str, version: int) -> "DeltaTable":
    """Open the table for writing; one that ran ahead of the head is taken back to it first."""
    table = open_table(lake, name)
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
