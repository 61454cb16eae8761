"""Read the market from the lake as of a session."""

import numpy as np
import pandas as pd

from tasks.core.homes.run import Run
from tasks.core.sessions import sessions_ending
from tasks.data.gates.readiness import active_findings, quarantined_names, refuse_unfit
from tasks.data.gates.revisions import rewritten
from tasks.data.gates.session_facts import COUNTED, count_facts
from tasks.data.intake.failovers import failovers_of, without_failovers
from tasks.data.lake.head import Head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import make_snapshot, read_bar_frame, read_tables
from tasks.data.panel.reader import keep_prices, panel_rules
from tasks.data.schema.finding_rows import to_findings
from tasks.data.schema.records import Days, Finding, Market, Panel

UNIVERSE_SESSIONS = 2  # the session and the one before, for names gained and lost


def describe_market(run: Run, head: Head, *, panel_sessions: int) -> Market:
    """Return the market as of the session: the same on the first run and on every later one.

    Retains a panel of `panel_sessions` for the stages that follow.
    """
    session, settings, lake = run.session.day, run.settings, lake_of(run.home, run.settings)
    length = settings.data.quality.quarantine_sessions
    sessions = sessions_ending(session, length + 2)
    bars = read_bar_frame(lake, head.versions, since=sessions[0].item(), through=session, known_on=session)
    tables = read_tables(lake, head.versions, (*COUNTED, "amendments", "lives"), session=session)
    facts = count_facts(session, bars, tables, sessions, settings)
    refuse_unfit(facts, settings.data.quality, provider="the lake")
    snapshot = make_snapshot(lake, head, session, panel_rules(settings))
    panel = keep_prices(snapshot, window=max(panel_sessions, UNIVERSE_SESSIONS))
    universe, gained, lost = _universe(panel)
    amendments = tables["amendments"]
    findings = _findings(without_failovers(tables["findings"]), sessions, length)
    return Market(
        snapshot=snapshot,
        provider=head.provider,
        new_bars=int((bars["session"] == pd.Timestamp(session)).sum()),
        restated_bars=int((amendments["known"] == pd.Timestamp(session)).sum()),
        findings=findings,
        quarantined=quarantined_names(tables, sessions, length),
        universe_size=universe,
        universe_gained=gained,
        universe_lost=lost,
        rewritten=rewritten(findings, session),
        failovers=failovers_of(tables["findings"], session),
    )


def _universe(panel: Panel) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    now = panel.is_member[-1]
    before = panel.is_member[-2] if len(panel.sessions) > 1 else np.zeros_like(now)
    gained, lost = panel.symbols[now & ~before], panel.symbols[before & ~now]
    return int(now.sum()), tuple(gained.tolist()), tuple(lost.tolist())


def _findings(frame: pd.DataFrame, sessions: Days, length: int) -> tuple[Finding, ...]:
    """Return the session's findings and those that keep a symbol in quarantine, by symbol and session."""
    today = pd.Timestamp(sessions[-1])
    active = active_findings(frame, sessions, length)
    of_session = frame[(frame["session"] == today) | (frame["known"] == today)]
    both = pd.concat([of_session, active]).drop_duplicates(["symbol", "session", "rule"])
    return to_findings(both.sort_values(["symbol", "session", "rule"]))
