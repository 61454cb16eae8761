"""The monitoring stage: the health of the day's features, scores, data, skill and account, and its alerts.

Never stops a day: what cannot be measured is a note.
"""

import logging
from datetime import date

import numpy as np

from tasks.core.artifacts import load_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market, Panel
from tasks.features.registry import warm_up
from tasks.features.sets import SETS
from tasks.models.registry.store import baseline_of
from tasks.models.schema import Champion, Scores
from tasks.monitoring.account import account_alerts, account_figures
from tasks.monitoring.data_health import data_alerts, data_figures
from tasks.monitoring.drift import column_drift, drift_alerts
from tasks.monitoring.earlier_days import account_history, logged_skill, scored_days
from tasks.monitoring.realised_skill import realised_of, skill_alerts, skill_windows
from tasks.monitoring.schema import ColumnDrift, Health, Realised

log = logging.getLogger(__name__)

LATEST_SESSIONS = 40  # beyond the warm-up: pooled for drift, or since the scores whose returns become known


def monitored_window(features: tuple[str, ...]) -> int:
    """Return how many sessions of the panel the stage reads."""
    return warm_up(features) + LATEST_SESSIONS


@stage()
def monitor_health(run: Run, market: Market, scores: Scores) -> Health:
    """Measure the health of the day; its alerts are recorded and reported, and block nothing."""
    limits = run.settings.monitoring
    panel = read_panel(market.snapshot, window=monitored_window(SETS[run.settings.models.features]))
    notes: list[str] = []
    drift = _drift(run, panel, scores, notes)
    realised, windows = _skill(run, panel)
    skill = skill_windows(windows, limits)
    if not skill:
        notes.append(f"The realised skill of {counted(len(windows), 'session')} is known; 20 are needed.")
    account = account_figures(*account_history(run.home, run.session.day))
    data = data_figures(panel)
    alerts = (
        *drift_alerts(drift, limits),
        *data_alerts(data, limits, scored=scores.scored, left_out=scores.left_out),
        *skill_alerts(skill, limits),
        *account_alerts(account, _expected_sharpe(scores.champion), limits),
    )
    for alert in alerts:
        log.warning("alert %s: %s", alert.name, alert.detail)
    return Health(drift, realised, skill, account, data, alerts, tuple(notes))


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
