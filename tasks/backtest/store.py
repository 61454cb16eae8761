"""Read what a world is built from: the bars and every revision of the lake's tables up to a snapshot's session."""

import pandas as pd

from tasks.backtest.build import TABLES, build_world
from tasks.backtest.world import World
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.lake.store import read_bars, read_table
from tasks.data.schema.records import SnapshotRef


def read_world(snapshot: SnapshotRef, *, dividend_pay_sessions: int) -> World:
    """Return the world up to the snapshot's session. Raises DataError where the lake has no bars up to it."""
    known = pd.Timestamp(snapshot.session)
    tables = {name: read_table(snapshot.lake, snapshot.versions, name) for name in TABLES}
    tables = {name: frame[frame["known"] <= known] for name, frame in tables.items()}
    first = tables["lives"]["first"].min()
    if snapshot.rules is None or pd.isna(first):
        raise DataError(
            f"The lake has no bars up to {snapshot.session}.", remedy="Refresh it, or specify a later date."
        )
    sessions = sessions_between(first.date(), snapshot.session)
    return build_world(
        read_bars(snapshot.lake, snapshot.versions, since=first.date(), through=snapshot.session),
        tables,
        sessions,
        rules=snapshot.rules,
        dividend_pay_sessions=dividend_pay_sessions,
    )
