"""How well past scores ordered the returns that followed, session by session and over windows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.monitoring_section import Monitoring
from tasks.data.schema.records import Panel
from tasks.features.labels import Entry, forward_return, sessions_known_after
from tasks.models.schema import Statistic
from tasks.models.training.controls import controls_of
from tasks.models.training.inference import estimate
from tasks.models.training.metrics import LEAST_NAMES, metrics_of, quantile_returns
from tasks.monitoring.schema import Alert, Realised, SkillWindow

WINDOWS = (20, 63)  # sessions: a month and a quarter


@dataclass(frozen=True)
class ScoredDay:
    """The scores of a published day and what its champion promised."""

    session: date
    model: str
    model_sha256: str
    statistic: Statistic
    expected: float
    expected_error: float
    expected_sessions: int
    scores: dict[str, float]


def realised_of(day: ScoredDay, panel: Panel) -> Realised | str:
    """Return how the day's scores ordered the returns that are known at the panel's last session, or why not.

    Returns count from the champion's entry price over its horizon, as in its training. A name that has changed its
    symbol since is omitted.
    """
    found = np.flatnonzero(panel.sessions == np.datetime64(day.session))
    entry: Entry = "next_open" if day.statistic.entry == "next_open" else "next_close"
    horizon = day.statistic.horizon_sessions
    if not len(found) or found[0] + sessions_known_after(horizon, entry) >= len(panel.sessions):
        return f"{day.session}: the returns are not known yet"
    row = int(found[0])
    forward = forward_return(panel, sessions=horizon, entry=entry).values[row]  # noqa: PD011 - of Labels, not of a frame
    scores = np.array([day.scores.get(symbol, np.nan) for symbol in panel.symbols.tolist()])
    columns = np.flatnonzero(np.isfinite(scores) & np.isfinite(forward))
    if len(columns) < LEAST_NAMES:
        return f"{day.session}: only {len(columns)} scored names have a return"
    at = np.full(len(columns), row)
    controls = controls_of(panel, at, columns)
    score, follow = scores[columns], forward[columns]
    measured = metrics_of(score, follow, at, controls=controls)
    quintiles = quantile_returns(_ranks(score), follow, np.zeros(len(columns), dtype=np.intp))
    return Realised(
        session=day.session,
        measured_on=panel.sessions[-1].item(),
        model=day.model,
        model_sha256=day.model_sha256,
        horizon_sessions=horizon,
        names=len(columns),
        ic=measured.ic,
        rank_ic=measured.rank_ic,
        neutral_ic=measured.neutral_ic,
        quantiles=tuple(quintiles.tolist()),
        expected=day.expected,
        expected_error=day.expected_error,
        expected_sessions=day.expected_sessions,
    )


def skill_windows(realised: Sequence[Realised], limits: Monitoring) -> tuple[SkillWindow, ...]:
    """Return the figures of the last 20 and 63 sessions (`realised`: oldest first), if there are as many."""
    return tuple(_window(realised[-count:], limits) for count in WINDOWS if len(realised) >= count)


def skill_alerts(windows: Sequence[SkillWindow], limits: Monitoring) -> list[Alert]:
    """Return an alert if a window's mean IC is below what was expected by more than both thresholds."""
    return [
        Alert(
            f"skill_{window.sessions}",
            window.mean,
            window.expected - window.detectable_drop,
            f"The neutral IC of the last {window.sessions} sessions is {window.mean:.3f} "
            f"(95% CI {window.low:.3f} to {window.high:.3f}); {window.expected:.3f} was expected.",
            retrain=True,
        )
        for window in windows
        if window.expected - window.mean > limits.max_ic_drop and window.z < -limits.min_ic_drop_z
    ]


def _window(realised: Sequence[Realised], limits: Monitoring) -> SkillWindow:
    """The error of the difference is that of the champions' own long test: a short window's own is too uncertain."""
    count = len(realised)
    neutral = np.array([one.neutral_ic for one in realised])
    own = estimate(neutral, overlap=max(one.horizon_sessions for one in realised))
    expected = float(np.mean([one.expected for one in realised]))
    tested = min(one.expected_sessions for one in realised)
    error = max(one.expected_error for one in realised) * sqrt(tested) * sqrt(1 / count + 1 / max(tested, 1))
    return SkillWindow(
        sessions=count,
        mean=own.mean,
        rank_ic=float(np.mean([one.rank_ic for one in realised])),
        low=own.low,
        high=own.high,
        p_value=own.p_value,
        expected=expected,
        z=(own.mean - expected) / error if error else 0.0,
        detectable_drop=max(limits.max_ic_drop, limits.min_ic_drop_z * error),
        quantiles=tuple(np.mean([one.quantiles for one in realised], axis=0).tolist()),
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((pd.Series(values).rank() - 0.5) / len(values), dtype=np.float64)
