"""Read the panel of a snapshot from the lake."""

import pandas as pd

from config.settings import Settings
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.panel import assemble
from tasks.data.schema import Panel, PanelRules, SnapshotRef
from tasks.data.store import read_bars, read_tables
from tasks.data.universe import LOOKBACK_SESSIONS

PANEL_TABLES = (
    "amendments",
    "actions",
    "levels",
    "members",
    "listings",
    "fundamentals",
    "riskfree",
    "renames",
    "lives",
    "findings",
)


def read_panel(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the last `window` sessions up to the snapshot's (None: all), aligned, with nothing later in them.

    Columns are the companies with a bar in the window, by name. A windowed panel equals the whole one on its rows.
    """
    if snapshot.rules is None:
        raise DataError(
            "The snapshot carries no rules to read a panel by.", remedy="Take it from refresh_market."
        )
    tables = read_tables(snapshot.lake, snapshot.versions, PANEL_TABLES, session=snapshot.session)
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
