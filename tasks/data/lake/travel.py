"""Find the committed version of the lake under which a session had a given snapshot."""

from collections.abc import Iterable
from datetime import date

from tasks.core.errors import DataError
from tasks.data.lake.head import Head, read_head, superseded_heads
from tasks.data.lake.store import id_of_snapshot
from tasks.data.schema.records import LakeLocation


def head_with(lake: LakeLocation, heads: Iterable[Head], session: date, snapshot: str) -> Head | None:
    """Return the first of these heads under which the session has this snapshot id; None without one."""
    for head in heads:
        reaches = head.last_session is not None and head.last_session >= session
        if reaches and id_of_snapshot(lake, head, session) == snapshot:
            return head
    return None


def past_head(lake: LakeLocation, session: date, snapshot: str) -> Head:
    """Return the latest head under which the session has this snapshot id. Raises DataError if the lake has none."""
    head = read_head(lake)
    heads = [] if head is None else [head, *superseded_heads(lake).values()]
    found = head_with(lake, heads, session, snapshot)
    if found is None:
        raise DataError(
            f"The lake no longer holds the data of {session} (snapshot {snapshot[:12]}…).",
            remedy="Restore the lake from a backup of that time (`afterclose data restore`).",
            session=str(session),
            snapshot=snapshot,
        )
    return found
