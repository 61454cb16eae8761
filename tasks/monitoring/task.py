"""The monitoring stage: the health of the day's features, scores, data, skill and account, and its alerts.

Never stops a day: what cannot be measured is a note.
"""

import logging
from datetime import date

import numpy as np

from tasks.core.artifacts import load_frame
from tasks.core.errors import AftercloseError
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market, Panel
from tasks.features.compute import compute_last, members_frame
from tasks.features.registry import warm_up
from tasks.features.sets import SETS
from tasks.models.registry.champion import parse
from tasks.models.registry.store import Stored, baseline_of, read_challenger
from tasks.models.schema import Champion, Scores
from tasks.monitoring.account import account_alerts, account_figures
from tasks.monitoring.data_health import data_alerts, data_figures
from tasks.monitoring.drift import column_drift, drift_alerts
from tasks.monitoring.earlier_days import SCORED_SESSIONS, account_history, logged_skill, scored_days
from tasks.monitoring.realised_skill import realised_of, skill_alerts, skill_windows
from tasks.monitoring.schema import Alert, ColumnDrift, Health, Realised
from tasks.monitoring.shadow_days import ShadowDay, read_shadows, scored_by, shadow_skill, write_shadow
from tasks.portfolio.schema import Portfolio
from tasks.regime.schema import Regime
from tasks.selection.schema import LiveDay

log = logging.getLogger(__name__)

LONGEST_RECORD = 1260  # sessions: five years
LATEST_SESSIONS = 40  # beyond the warm-up: pooled for drift, or since the scores whose returns become known


def monitored_window(features: tuple[str, ...]) -> int:
    """Return how many sessions of the panel the stage reads."""
    return warm_up(features) + LATEST_SESSIONS


@stage()
def monitor_health(run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio) -> Health:
    """Measure the health of the day; its alerts are recorded and reported, and block nothing.

    What fails is an alert itself: a day without alerts must mean that nothing was found.
    """
    try:
        health = _measured(run, market, scores, regime, portfolio)
    except Exception as error:
        log.warning("the health of the day could not be measured", exc_info=True)
        why = error.what if isinstance(error, AftercloseError) else f"a defect ({type(error).__name__})."
        failed = Alert("not_measured", 1.0, 0.0, f"The health of the day could not be measured: {why}")
        health = Health((), (), (), None, None, (failed,))
    for alert in health.alerts:
        log.warning("alert %s: %s", alert.name, alert.detail)
    return health


def _measured(run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio) -> Health:
    limits = run.settings.monitoring
    panel = read_panel(market.snapshot, window=monitored_window(SETS[run.settings.models.features]))
    notes: list[str] = []
    drift = _drift(run, panel, scores, notes)
    realised, windows = _skill(run, panel)
    skill = skill_windows(windows, limits)
    if not skill:
        notes.append(f"The realized skill of {counted(len(windows), 'session')} is known; 20 are needed.")
    account = account_figures(*account_history(run.home, portfolio.book, regime.state))
    data = data_figures(panel)
    alerts = (
        *drift_alerts(drift, limits),
        *data_alerts(data, limits, scored=scores.scored, left_out=scores.left_out),
        *skill_alerts(skill, limits),
        *account_alerts(account, _expected_sharpe(scores.champion), limits),
    )
    return Health(drift, realised, skill, account, data, alerts, tuple(notes))


@stage()
def live_record(run: Run) -> tuple[LiveDay, ...]:
    """Return the realized skill that the published days before the session recorded, oldest first."""
    known = logged_skill(run.home, run.session.day, sessions=LONGEST_RECORD)
    return tuple(
        LiveDay(
            one.session,
            one.model,
            one.neutral_ic,
            one.expected,
            one.expected_error,
            one.expected_sessions,
        )
        for one in known.values()
    )


@stage()
def score_in_shadow(run: Run, market: Market) -> None:
    """Store what the challenger would have scored, and the skill of its earlier scores that is known by now.

    Called after the day is published, which does not depend on it: a problem is logged.
    """
    try:
        stored = read_challenger(run.home)
        if stored is not None and stored.metadata.champion.trained_through <= run.session.day:
            _score_in_shadow(run, market, stored)
    except AftercloseError as error:
        log.warning("The challenger was not scored: %s", error.what)
    except Exception:
        log.warning("The challenger was not scored: a defect", exc_info=True)


def _score_in_shadow(run: Run, market: Market, stored: Stored) -> None:
    names, session = SETS[run.settings.models.features], run.session.day
    panel = read_panel(market.snapshot, window=monitored_window(names))
    frame = members_frame(compute_last(panel, names), panel.is_member[-1])
    given = parse(stored).score(frame)
    scored = scored_by(
        stored.metadata.champion, session, {str(name): float(one) for name, one in given.items()}
    )
    if scored is None:
        return
    earlier = read_shadows(run.home, before=session, most=SCORED_SESSIONS)
    known = shadow_skill(earlier)
    measured = (realised_of(day.scored, panel) for day in earlier if day.scored.session not in known)
    new = tuple(one for one in measured if isinstance(one, Realised))
    write_shadow(run.home, ShadowDay(scored, new))
    log.info(
        "%s of %s scored %s in shadow", stored.metadata.champion.name, session, counted(len(given), "name")
    )


def _drift(run: Run, panel: Panel, scores: Scores, notes: list[str]) -> tuple[ColumnDrift, ...]:
    baseline = baseline_of(run.home, scores.champion.model_sha256)
    if baseline is None:
        notes.append("The champion was stored without a baseline of its features: drift is not measured.")
        return ()
    return column_drift(panel, load_frame(scores.frame)["score"].to_numpy(dtype=np.float64), baseline)


def _skill(run: Run, panel: Panel) -> tuple[tuple[Realised, ...], list[Realised]]:
    """Return the skill that became known with this session, and that of all sessions known by now."""
    known: dict[date, Realised] = logged_skill(run.home, run.session.day)
    measured = (realised_of(day, panel) for day in scored_days(run.home, run.session.day, list(known)))
    new = {one.session: one for one in measured if isinstance(one, Realised)}
    every = sorted({**known, **new}.items())
    return tuple(new.values()), [one for _, one in every]


def _expected_sharpe(champion: Champion) -> float | None:
    return champion.metrics.get("net_sharpe") if champion.ranks else None
