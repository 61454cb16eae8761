"""Read the panel of a snapshot from the lake.

A day reads its panel once: `keep_prices` retains the longest window that a stage of the day needs, and `read_prices`
and `read_panel` slice it. Stages receive the snapshot, not the panel: so their inputs are small references
(ADR 1), and a stage that runs alone reads what it needs. Only one stage uses fundamentals, so they are not retained.
"""

from datetime import date

import pandas as pd

from config.settings import Settings
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.lake.hindsight import has_hindsight
from tasks.data.lake.store import read_bars, read_tables, stamps_of
from tasks.data.panel.assemble import assemble, last_sessions, read_only
from tasks.data.panel.companies import company_index
from tasks.data.panel.fundamentals import with_fundamentals
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
FUNDAMENTAL_TABLES = ("fundamentals", "lives", "renames")

Key = tuple[LakeLocation, date, PanelRules | None, tuple[tuple[str, int, str], ...], bool]
_kept: dict[Key, tuple[int, Panel]] = {}  # at most one: the window retained last


def keep_prices(snapshot: SnapshotRef, *, window: int) -> Panel:
    """Read the panel without fundamentals and retain it, replacing the previous one, for later reads to slice."""
    _kept.clear()  # before the read, so that two panels are never in memory
    key, panel = _key(snapshot), _assembled(snapshot, window)
    _kept[key] = window, panel
    return panel


def read_panel(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the last `window` sessions up to the snapshot's session (None: all).

    Columns are the companies with a bar in the window, by name. A windowed panel equals the whole one on its rows.
    Prices are read-only, since several reads may share them. Raises DataError where the lake has no bars up to the
    session.
    """
    panel = read_prices(snapshot, window=window)
    tables = read_tables(snapshot.lake, snapshot.versions, FUNDAMENTAL_TABLES, session=snapshot.session)
    companies = company_index(tables["lives"], tables["renames"])
    return with_fundamentals(panel, tables["fundamentals"], companies)


def read_prices(snapshot: SnapshotRef, *, window: int | None) -> Panel:
    """Return the panel without fundamentals, which most stages do not use.

    Cut from the retained panel, if that is the snapshot's and long enough; otherwise read.
    """
    longest, panel = _kept.get(_key(snapshot), (0, None))
    if panel is None or window is None or window > longest:
        return _assembled(snapshot, window)
    return read_only(last_sessions(panel, window))  # copies too: compiled functions see one kind of array


def _assembled(snapshot: SnapshotRef, window: int | None) -> Panel:
    if snapshot.rules is None:
        raise DataError(
            "The snapshot lacks the settings that determine its panel.",
            remedy="Pass the snapshot that refresh_market returned.",
        )
    tables = read_tables(snapshot.lake, snapshot.versions, PRICE_TABLES, session=snapshot.session)
    first = tables["lives"]["first"].min()
    if pd.isna(first):
        raise DataError(f"The lake has no bars up to {snapshot.session}.", remedy="Specify a later date.")
    sessions = sessions_between(first.date(), snapshot.session)
    start = 0 if window is None else max(0, len(sessions) - window)
    lookback = max(0, start - LOOKBACK_SESSIONS)
    bars = read_bars(
        snapshot.lake, snapshot.versions, since=sessions[lookback].item(), through=snapshot.session
    )
    return read_only(assemble(bars, tables, sessions, start=start, lookback=lookback, rules=snapshot.rules))


def _key(snapshot: SnapshotRef) -> Key:
    """Return what determines a panel. A committed version never changes, but its lake may be replaced."""
    stamps = stamps_of(snapshot.lake, snapshot.versions)
    return snapshot.lake, snapshot.session, snapshot.rules, stamps, has_hindsight()


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
