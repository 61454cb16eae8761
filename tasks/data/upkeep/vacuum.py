"""Delete files that the lake no longer needs: compacted ones, and those that interrupted refreshes left.

Rows are never deleted. Every published day retains its data: before anything is deleted, the snapshot of each day is
located, and the table versions that it needs are retained.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.core.errors import DataError
from tasks.data.lake.commits import delete_unreferenced_files
from tasks.data.lake.head import read_head, superseded_heads
from tasks.data.lake.storage.location import files_of
from tasks.data.lake.travel import head_with
from tasks.data.schema.records import LakeLocation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Vacuumed:
    """Result of a vacuum."""

    freed_bytes: int
    size_bytes: int  # after the vacuum
    days_kept: tuple[date, ...]  # published days whose data is retained
    days_unknown: tuple[date, ...]  # published days on data that this lake never held


def vacuum_lake(lake: LakeLocation, days: Mapping[date, str]) -> Vacuumed:
    """Delete every table file that neither the head nor a published day needs (`days`: snapshot id by session).

    The caller holds the home's lock. Safe to interrupt at any point; a second run completes it.
    """
    head = read_head(lake)
    if head is None:
        raise DataError("The lake is empty.", remedy="Run `afterclose refresh` first.", lake=str(lake))
    files = files_of(lake)
    before = files.size_bytes()
    superseded = superseded_heads(lake)
    found = {}
    for session, snapshot in days.items():
        log.info("locating the data of %s", session)
        found[session] = head_with(lake, [head, *superseded.values()], session, snapshot)
    needed = [other for other in superseded.values() if other in found.values()]
    for name, other in superseded.items():
        if other not in needed:
            files.remove(name)
    delete_unreferenced_files(lake, head, keep=needed)
    after = files.size_bytes()
    return Vacuumed(
        freed_bytes=max(before - after, 0),  # without files to delete, the log still grows
        size_bytes=after,
        days_kept=tuple(sorted(session for session, head_of_day in found.items() if head_of_day)),
        days_unknown=tuple(sorted(session for session, head_of_day in found.items() if not head_of_day)),
    )
