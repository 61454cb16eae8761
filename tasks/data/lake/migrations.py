"""Migrate the heads of older lakes: one step per schema version, applied whenever an older head is read.

Rows are never rewritten. The next commit writes the head in the current form, atomically like every head; until then
the old form stays on disk and every reader understands it. A column that a later release added to a table is empty in
older rows (`tables.with_all_columns`).
"""

from collections.abc import Callable, Mapping

from tasks.data.schema.records import SIMULATED

Record = dict[str, object]

SCHEMA_VERSION = 4


def _add_refreshed_at(head: Record) -> Record:
    """1 → 2: the head holds the time of its commit; unknown for older heads."""
    return {**head, "refreshed_at": None}


def _add_file_digests(head: Record) -> Record:
    """2 → 3: the head holds the digest of every file; the next commit adds them to an older head."""
    return {**head, "files": {}}


def _add_simulated_version(head: Record) -> Record:
    """3 → 4: the head holds the version of the simulated market; until then there was only one."""
    return {**head, "simulated_version": 1 if head["provider"] == SIMULATED else None}


STEPS: Mapping[int, Callable[[Record], Record]] = {
    1: _add_refreshed_at,
    2: _add_file_digests,
    3: _add_simulated_version,
}


def migrate_head(head: Record, *, version: int) -> Record:
    """Return a head of the schema version in the current form."""
    for step in range(version, SCHEMA_VERSION):
        head = STEPS[step](head)
    return head
