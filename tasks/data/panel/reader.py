"""Read the panel of a snapshot from the lake."""

from datetime import date

import pandas as pd

from config.settings import Settings
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.lake.store import read_bars, read_tables, stamps_of
from tasks.data.panel.assemble import assemble, last_sessions, read_only
from tasks.data.panel.universe import LOOKBACK_SESSIONS
from tasks.data.schema.records import Panel, PanelRules, Place, SnapshotRef

PRICE_TABLES = (
    "amendments",
    "actions",
    "levels",
    "members",
    "listings",
    "riskfree",
    "renames",
    "lives",
    "findings",
)
PANEL_TABLES = (*PRICE_TABLES, "fundamentals")


KEPT_SESSIONS = 756  # more than any stage of a day looks at; who reads more reads once, and it is large

Key = tuple[Place, date, PanelRules | None, tuple[tuple[str, int, str], ...]]
_kept: dict[Key, tuple[int, Panel]] = {}  # the longest window of the snapshot that was read last


def read_panel(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the last `window` sessions up to the snapshot's (None: all), aligned, with nothing later in them.

    Columns are the companies with a bar in the window, by name. A windowed panel equals the whole one on its rows.
    """
    return _assembled(snapshot, window, PANEL_TABLES)


def read_prices(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the panel without fundamentals, which most stages have no use for. Its arrays are read-only.

    The stages of a day look at windows of different length: a shorter one is cut from the longest that was read.
    """
    if window is None or window > KEPT_SESSIONS:
        return _assembled(snapshot, window, PRICE_TABLES)
    key = _key(snapshot)
    longest, panel = _kept.get(key, (0, None))
    if panel is None or longest < window:
        panel = read_only(_assembled(snapshot, window, PRICE_TABLES))
        _kept.clear()
        _kept[key] = window, panel
    return last_sessions(panel, window)


def _assembled(snapshot: SnapshotRef, window: int | None, names: tuple[str, ...]) -> Panel:
    if snapshot.rules is None:
        raise DataError(
            "The snapshot carries no rules to read a panel by.", remedy="Take it from refresh_market."
        )
    tables = read_tables(snapshot.lake, snapshot.versions, names, session=snapshot.session)
    first = tables["lives"]["first"].min()
    if pd.isna(first):
        raise DataError(f"The lake has no bars up to {snapshot.session}.", remedy="Name a later date.")
    sessions = sessions_between(first.date(), snapshot.session)
    start = 0 if window is None else max(0, len(sessions) - window)
    lookback = max(0, start - LOOKBACK_SESSIONS)
    bars = read_bars(
        snapshot.lake, snapshot.versions, since=sessions[lookback].item(), through=snapshot.session
    )
    return assemble(bars, tables, sessions, start=start, lookback=lookback, rules=snapshot.rules)


def _key(snapshot: SnapshotRef) -> Key:
    """Return what decides a panel: a committed version never changes, but another lake may have taken its place."""
    stamps = stamps_of(snapshot.lake, snapshot.versions)
    return snapshot.lake, snapshot.session, snapshot.rules, stamps


def panel_rules(settings: Settings) -> PanelRules:
    """Return what of the settings decides how a panel is read."""
    data = settings.data
    return PanelRules(
        benchmark=data.benchmark,
        volatility_index=data.volatility_index,
        min_price_usd=data.universe.min_price_usd,
        min_dollar_volume_usd=data.universe.min_dollar_volume_usd,
        min_history_sessions=data.universe.min_history_sessions,
        quarantine_sessions=data.quality.quarantine_sessions,
    )
