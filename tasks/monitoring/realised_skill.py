"""How well past scores ordered the returns that followed, session by session and over windows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import erfc, sqrt

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

WINDOWS = (20, 63, 126, 252)  # sessions: a month, a quarter, half a year, a year


@dataclass(frozen=True)
class ScoredDay:
    """The scores of a published day and the IC expected of its champion."""

    session: date
    model: str
    model_sha256: str
    statistic: Statistic
    expected: float
    expected_error: float
    expected_sessions: int
    scores: dict[str, float]
    expected_accuracy: float | None = None


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
        accuracy=measured.hit_rate,
        expected_accuracy=day.expected_accuracy,
    )


def skill_windows(realised: Sequence[Realised], limits: Monitoring) -> tuple[SkillWindow, ...]:
    """Return the figures of each of WINDOWS that is complete (`realised`: oldest first)."""
    return tuple(_window(realised[-count:], limits) for count in WINDOWS if len(realised) >= count)


def skill_alerts(windows: Sequence[SkillWindow], limits: Monitoring) -> list[Alert]:
    """Return an alert if a window's mean IC or accuracy is below what was expected by more than both thresholds.

    A drop of any size is found soonest in a window that is just long enough for it, so several lengths are tested.
    """
    return [
        alert
        for window in windows
        if window.is_tested
        for alert in (*_ic_alert(window, limits), *_accuracy_alert(window, limits))
    ]


def _ic_alert(window: SkillWindow, limits: Monitoring) -> Iterator[Alert]:
    if window.expected - window.mean > limits.max_ic_drop and window.z < -limits.min_ic_drop_z:
        yield Alert(
            f"skill_{window.sessions}",
            window.mean,
            window.expected - window.detectable_drop,
            f"The neutral IC of the last {window.sessions} sessions is {window.mean:.3f} "
            f"(95% CI {window.low:.3f} to {window.high:.3f}); {window.expected:.3f} was expected.",
            retrain=True,
        )


def _accuracy_alert(window: SkillWindow, limits: Monitoring) -> Iterator[Alert]:
    """A drop counts if its two-sided p-value is below that of `min_ic_drop_z` standard errors, as for the IC."""
    found, expected, p_value = window.accuracy, window.expected_accuracy, window.accuracy_p_value
    if found is None or expected is None or p_value is None:
        return
    if found < min(limits.min_accuracy, expected) and p_value < erfc(limits.min_ic_drop_z / sqrt(2)):
        detail = (
            f"In the last {window.sessions} sessions, {found:.1%} of the names were on the side of the median that"
            f" their score predicted; {expected:.1%} was expected."
        )
        yield Alert(f"accuracy_{window.sessions}", found, limits.min_accuracy, detail, retrain=True)


def _window(realised: Sequence[Realised], limits: Monitoring) -> SkillWindow:
    """The error of the difference is that of the champions' own long test: a short window's own is too uncertain.

    But that of one test can be too small, so it is at least the one that overlap alone would give the window's ICs.
    """
    count, overlap = len(realised), max(one.horizon_sessions for one in realised)
    neutral = np.array([one.neutral_ic for one in realised])
    own = estimate(neutral, overlap=overlap)
    expected = float(np.mean([one.expected for one in realised]))
    tested = max(min(one.expected_sessions for one in realised), 1)
    deviation = max(
        max(one.expected_error for one in realised) * sqrt(tested), _overlapping_deviation(neutral, overlap)
    )
    error = deviation * sqrt(1 / count + 1 / tested)
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
        **_accuracy(realised, tested),
    )


def _accuracy(realised: Sequence[Realised], tested: int) -> dict[str, float]:
    """Return the accuracy's fields of a window; none if that of a session is not known.

    The expected accuracy is a mean of `tested` sessions: it has an error itself.
    """
    known = [
        (one.accuracy, one.expected_accuracy)
        for one in realised
        if one.accuracy is not None and one.expected_accuracy is not None
    ]
    if len(known) < len(realised):
        return {}
    found, expected = np.array(known).T
    count, overlap = len(realised), max(one.horizon_sessions for one in realised)
    own = estimate(found - expected, overlap=overlap)
    least = _overlapping_deviation(found - expected, overlap) / sqrt(count)
    difference = replace(own, error=max(own.error, least) * sqrt(1 + count / tested))
    return {
        "accuracy": float(found.mean()),
        "expected_accuracy": float(expected.mean()),
        "accuracy_p_value": difference.p_value,
    }


def _overlapping_deviation(values: NDArray[np.float64], overlap: int) -> float:
    """Return the long-run standard deviation of session values that are correlated by overlapping returns alone."""
    return float(values.std(ddof=1)) * sqrt(overlap)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((pd.Series(values).rank() - 0.5) / len(values), dtype=np.float64)
