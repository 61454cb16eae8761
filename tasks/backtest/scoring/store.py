"""Read the data of a backtest: the bars, and every revision of the lake's tables, up to a snapshot's session.

Scores are computed from panels, each as known at the end of its span.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tasks.backtest.build import TABLES, build_world, known_companies
from tasks.backtest.scoring.scores import Known, ReadKnown, columns_by_session
from tasks.backtest.world import World
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.lake.store import read_bars, read_table, read_tables
from tasks.data.panel.companies import CompanyIndex, company_index
from tasks.data.panel.grid import Ints
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Panel, SnapshotRef
from tasks.features.compute import compute, compute_last
from tasks.features.store import stored_features

# The lake has no pay dates. An assumption: a later date delays the cash, and changes no other amount.
DIVIDEND_PAY_SESSIONS = 15


def read_world(snapshot: SnapshotRef, *, dividend_pay_sessions: int, window: int | None = None) -> World:
    """Return the world up to the snapshot's session. Raises DataError where the lake has no bars up to it.

    With a `window`, only the last sessions are read: age and membership then count from there, prices of companies
    without a bar in it are unknown, and data that became known about earlier sessions is assigned to the first row.
    """
    tables = read_revisions(snapshot, TABLES)
    first = tables["lives"]["first"].min()
    if snapshot.rules is None or pd.isna(first):
        raise DataError(
            f"The lake has no bars up to {snapshot.session}.", remedy="Refresh it, or specify a later date."
        )
    sessions = sessions_between(first.date(), snapshot.session)[-window if window else 0 :]
    since = sessions[0].item()
    return build_world(
        read_bars(snapshot.lake, snapshot.versions, since=since, through=snapshot.session),
        tables,
        sessions,
        rules=snapshot.rules,
        dividend_pay_sessions=dividend_pay_sessions,
    )


def columns_of(snapshot: SnapshotRef, panel: Panel, world: World) -> Ints:
    """Return the column of each of the panel's symbols in the world, by session of the panel; −1 for none."""
    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
    return _columns_of(snapshot, panel, companies)


def _columns_of(seen: SnapshotRef, panel: Panel, companies: CompanyIndex) -> Ints:
    tables = read_tables(seen.lake, seen.versions, ("lives", "renames"), session=seen.session)
    as_of = company_index(tables["lives"], tables["renames"])
    return columns_by_session(panel.sessions, as_of, companies, panel.symbols)


def read_revisions(snapshot: SnapshotRef, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return every revision of these tables known by the snapshot's session."""
    known = pd.Timestamp(snapshot.session)
    tables = {name: read_table(snapshot.lake, snapshot.versions, name) for name in names}
    return {name: frame[frame["known"] <= known] for name, frame in tables.items()}


def reader_of(snapshot: SnapshotRef, world: World, folder: Path, names: tuple[str, ...]) -> ReadKnown:
    """Return the function that reads the panels and features of spans; `folder` caches features."""
    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)

    def read(first: int, span: range, *, trains: bool) -> Known:
        seen = replace(snapshot, session=world.sessions[span.stop - 1].item())
        panel = read_panel(seen, window=span.stop - first)
        columns = _columns_of(seen, panel, companies)
        if trains:
            return Known(span.stop, panel, stored_features(folder, panel, seen, names), columns)
        return Known(span.stop, panel, (compute_last if len(span) == 1 else compute)(panel, names), columns)

    return read
