"""Bring an older lake forward: one small step for each version of the schema, taken whenever an older head is read.

Rows are never rewritten. A step says what an older head means today, and the next commit writes it in today's form,
in one atomic step like every head; until then the disk keeps the old form and every reader understands it. A column
that a later release added to a table is empty in older rows (see `store.read_table`).
"""

from collections.abc import Callable, Mapping

Record = dict[str, object]

SCHEMA_VERSION = 3


def _tell_when_refreshed(head: Record) -> Record:
    """1 → 2: the head tells when it was committed; of an older one nobody knows."""
    return {**head, "refreshed_at": None}


def _carry_digests(head: Record) -> Record:
    """2 → 3: the head holds the digest of every file; those of an older one are taken by the next commit."""
    return {**head, "files": {}}


STEPS: Mapping[int, Callable[[Record], Record]] = {1: _tell_when_refreshed, 2: _carry_digests}


def brought_forward(head: Record, *, version: int) -> Record:
    """Return the head of that schema version in today's form."""
    for step in range(version, SCHEMA_VERSION):
        head = STEPS[step](head)
    return head
