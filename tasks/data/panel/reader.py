"""Read the panel of a snapshot from the lake."""

from datetime import date

import pandas as pd

from config.settings import Settings
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.lake.store import read_bars, read_tables, stamps_of
from tasks.data.panel.assemble import assemble, last_sessions, read_only
from tasks.data.panel.universe import LOOKBACK_SESSIONS
from tasks.data.schema.records import LakeLocation, Panel, PanelRules, SnapshotRef

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


CACHED_SESSIONS = 756  # more than any stage of a day needs; longer panels are large and read once

Key = tuple[LakeLocation, date, PanelRules | None, tuple[tuple[str, int, str], ...]]
_cache: dict[Key, tuple[int, Panel]] = {}  # the longest window read of the last snapshot


def read_panel(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the last `window` sessions up to the snapshot's session (None: all).

    Columns are the companies with a bar in the window, by name. A windowed panel equals the whole one on its rows.
    Raises DataError where the lake has no bars up to the session.
    """
    return _assembled(snapshot, window, PANEL_TABLES)


def read_prices(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the panel without fundamentals, which most stages do not use. Its arrays are read-only.

    The stages of a day use windows of different length: a shorter one is a slice of the longest read so far.
    """
    if window is None or window > CACHED_SESSIONS:
        return _assembled(snapshot, window, PRICE_TABLES)
    key = _key(snapshot)
    longest, panel = _cache.get(key, (0, None))
    if panel is None or longest < window:
        panel = read_only(_assembled(snapshot, window, PRICE_TABLES))
        _cache.clear()
        _cache[key] = window, panel
    return last_sessions(panel, window)


def _assembled(snapshot: SnapshotRef, window: int | None, names: tuple[str, ...]) -> Panel:
    if snapshot.rules is None:
        raise DataError("The snapshot has no panel rules.", remedy="Use the snapshot of refresh_market.")
    tables = read_tables(snapshot.lake, snapshot.versions, names, session=snapshot.session)
    first = tables["lives"]["first"].min()
    if pd.isna(first):
        raise DataError(f"The lake has no bars up to {snapshot.session}.", remedy="Specify a later date.")
    sessions = sessions_between(first.date(), snapshot.session)
    start = 0 if window is None else max(0, len(sessions) - window)
    lookback = max(0, start - LOOKBACK_SESSIONS)
    bars = read_bars(
        snapshot.lake, snapshot.versions, since=sessions[lookback].item(), through=snapshot.session
    )
    return assemble(bars, tables, sessions, start=start, lookback=lookback, rules=snapshot.rules)


def _key(snapshot: SnapshotRef) -> Key:
    """Return what determines a panel. A committed version never changes, but its lake may be replaced."""
    stamps = stamps_of(snapshot.lake, snapshot.versions)
    return snapshot.lake, snapshot.session, snapshot.rules, stamps


def panel_rules(settings: Settings) -> PanelRules:
    """Return the settings that determine a panel."""
    data = settings.data
    return PanelRules(
        benchmark=data.benchmark,
        volatility_index=data.volatility_index,
        min_price_usd=data.universe.min_price_usd,
        min_dollar_volume_usd=data.universe.min_dollar_volume_usd,
        min_history_sessions=data.universe.min_history_sessions,
        quarantine_sessions=data.quality.quarantine_sessions,
    )
