"""Free what the lake no longer needs: files that were put together into larger ones, and what crashes left.

Rows are never given up. Every day that was published keeps the data it stands on: before anything is deleted, the
snapshot of each is looked up, and whatever version of the tables it needs stays.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.core.errors import DataError
from tasks.data.lake.commits import drop_unnamed_files
from tasks.data.lake.head import Head, read_head, superseded_heads
from tasks.data.lake.location import files_of
from tasks.data.lake.store import id_of_snapshot
from tasks.data.schema.records import Place

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum freed, and what it kept it for."""

    freed_bytes: int
    size_bytes: int  # what is left on disk
    days_kept: tuple[date, ...]  # published days whose data can be named, now as before
    days_unknown: tuple[date, ...]  # published days that stand on data which this lake never held


def vacuum_lake(lake: Place, days: Mapping[date, str]) -> Vacuumed:
    """Delete every table file that neither the head nor a published day names (`days`: snapshot id by session).

    Hold the home's lock meanwhile. Safe to be killed at any moment; run again, it goes on.
    """
    head = read_head(lake)
    if head is None:
        raise DataError("The lake is empty.", remedy="Run `afterclose refresh` first.", lake=str(lake))
    files = files_of(lake)
    before = files.size_bytes()
    superseded = superseded_heads(lake)
    found = {session: _naming(lake, [head, *superseded.values()], session, days[session]) for session in days}
    needed = [other for other in superseded.values() if other in found.values()]
    for name, other in superseded.items():
        if other not in needed:
            files.remove(name)
    drop_unnamed_files(lake, head, keep=needed)
    after = files.size_bytes()
    return Vacuumed(
        freed_bytes=max(before - after, 0),  # where nothing was to free, its log still grew
        size_bytes=after,
        days_kept=tuple(sorted(session for session, naming in found.items() if naming)),
        days_unknown=tuple(sorted(session for session, naming in found.items() if not naming)),
    )


def _naming(lake: Place, heads: list[Head], session: date, snapshot: str) -> Head | None:
    """Return the latest head under which the session reads as the snapshot."""
    log.info("looking up the data of %s", session)
    for head in heads:
        reaches = head.last_session is not None and head.last_session >= session
        if reaches and id_of_snapshot(lake, head, session) == snapshot:
            return head
    return None
