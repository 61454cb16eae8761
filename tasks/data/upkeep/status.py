"""Summarize the lake. Read-only; reads only small tables and the last two sessions."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.sessions import sessions_between, sessions_ending
from tasks.data.gates.readiness import quarantined_names
from tasks.data.intake.simulated_version import older_market
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import files_of, lake_of
from tasks.data.lake.store import make_snapshot, read_tables
from tasks.data.panel.reader import panel_rules, read_prices
from tasks.data.schema.records import Days


@dataclass(frozen=True)
class TableStatus:
    """One table at its committed version."""

    name: str
    version: int
    rows: int


@dataclass(frozen=True)
class LakeStatus:
    """Summary of the lake."""

    location: str
    provider: str
    older_market: str  # what a person should know about an older simulated market; "" for all others
    revision: int  # number of committed refreshes
    refreshed_at: datetime | None  # time of the last one
    snapshot: str  # id of everything known at the last session
    first_session: date
    last_session: date
    symbols: int
    universe: int  # names in the universe on the last session
    quarantined: tuple[str, ...]
    size_bytes: int  # earlier versions included
    tables: tuple[TableStatus, ...]
    missing_sessions: tuple[date, ...]  # trading days within the span without any bar
    findings: dict[str, int]  # count by rule


def describe_lake(home: Home, settings: Settings) -> LakeStatus | None:
    """Return the summary; None where nothing was committed yet."""
    lake = lake_of(home, settings)
    head = read_head(lake)
    if head is None or head.first_session is None or head.last_session is None:
        return None
    last = head.last_session
    tables = read_tables(lake, head.versions, ("sessions", "lives", "findings", "renames"), session=None)
    snapshot = make_snapshot(lake, head, last, panel_rules(settings))
    length = settings.data.quality.quarantine_sessions
    rules = tables["findings"]["rule"].value_counts().sort_index()
    return LakeStatus(
        location=str(lake),
        provider=head.provider,
        older_market=older_market(head) or "",
        revision=head.revision,
        refreshed_at=head.refreshed_at,
        snapshot=snapshot.id,
        first_session=head.first_session,
        last_session=last,
        symbols=tables["lives"]["symbol"].nunique(),
        universe=int(read_prices(snapshot, window=1).is_member[-1].sum()),
        quarantined=quarantined_names(tables, sessions_ending(last, length + 2), length),
        size_bytes=files_of(lake).size_bytes(),
        tables=tuple(
            TableStatus(name, head.versions[name], head.rows[name]) for name in sorted(head.versions)
        ),
        missing_sessions=_missing(tables["sessions"], sessions_between(head.first_session, last)),
        findings={str(rule): int(count) for rule, count in rules.items()},
    )


def _missing(sessions: pd.DataFrame, trading_days: Days) -> tuple[date, ...]:
    with_bars = sessions.loc[sessions["bars"] > 0, "session"].to_numpy().astype("datetime64[D]")
    return tuple(np.setdiff1d(trading_days, with_bars).tolist())
