"""Compare the last sessions' feature values and the session's scores with those of training. Pure."""

import numpy as np
from numpy.typing import NDArray

from config.monitoring_section import Monitoring
from tasks.core.text import counted
from tasks.data.schema.records import Panel
from tasks.features.compute import compute_raw
from tasks.features.registry import selected
from tasks.models.schema import Baseline
from tasks.models.training.baseline import SCORE, binned, js, ks, psi, shares_of
from tasks.monitoring.schema import Alert, ColumnDrift

NAMED = 3  # features in an alert


def column_drift(panel: Panel, scores: NDArray[np.float64], baseline: Baseline) -> tuple[ColumnDrift, ...]:
    """Return the drift of every column: features pooled over the panel's last sessions, scores of today."""
    rows = slice(-baseline.block_sessions, None)
    features = [name for name in baseline.columns if name != SCORE]
    raw = compute_raw(panel, selected(features))[:, rows]
    is_member = panel.is_member[rows]
    pooled = raw[:, is_member].T
    today = raw[:, -1, is_member[-1]]
    edges = np.array(baseline.edges)
    counts = np.concatenate(
        [binned(pooled, edges[:-1]), binned(scores[:, None].astype(np.float32), edges[-1:])]
    )
    found, expected = shares_of(counts), np.array(baseline.shares)
    present = [*np.isfinite(today).mean(axis=1).tolist(), float(np.isfinite(scores).mean())]
    measures = zip(psi(found, expected), ks(found, expected), js(found, expected), strict=True)
    return tuple(
        ColumnDrift(
            column,
            float(one_psi) if count else 0.0,
            float(one_ks) if count else 0.0,
            float(one_js) if count else 0.0,
            baseline.largest_psi[place],
            present[place],
            baseline.present[place],
        )
        for place, (column, (one_psi, one_ks, one_js), count) in enumerate(
            zip(baseline.columns, measures, counts.sum(axis=1).tolist(), strict=True)
        )
    )


def drift_alerts(drift: tuple[ColumnDrift, ...], limits: Monitoring) -> list[Alert]:
    """Return the alerts: many features drifted, one by far, scores unlike those of training, values missing."""
    features = [one for one in drift if one.column != SCORE]
    return [
        *_many_drifted(features, limits),
        *(alert for one in features for alert in _single(one, limits, "feature_drift_single")),
        *(alert for one in drift if one.column == SCORE for alert in _single(one, limits, "score_drift")),
        *_missing(features, limits),
    ]


def has_drifted(one: ColumnDrift, limits: Monitoring) -> bool:
    """Return whether the column is beyond both thresholds."""
    return one.psi > limits.max_psi and one.psi > limits.drift_factor * one.largest_psi


def _many_drifted(features: list[ColumnDrift], limits: Monitoring) -> list[Alert]:
    drifted = [one for one in features if has_drifted(one, limits)]
    share = len(drifted) / len(features) if features else 0.0
    if share <= limits.max_drifted_frac:
        return []
    detail = f"{counted(len(drifted), 'feature')} of {len(features)} differ from training: {_named(drifted)}."
    return [Alert("feature_drift", share, limits.max_drifted_frac, detail, retrain=True)]


def _single(one: ColumnDrift, limits: Monitoring, name: str) -> list[Alert]:
    limit = max(limits.max_psi_single, limits.single_factor * max(one.largest_psi, limits.max_psi))
    if one.psi <= limit:
        return []
    detail = f"{one.column}: PSI {one.psi:.2f}; in training it was at most {one.largest_psi:.2f}."
    return [Alert(name, one.psi, limit, detail, retrain=True)]


def _missing(features: list[ColumnDrift], limits: Monitoring) -> list[Alert]:
    rise = {one.column: one.present_in_training - one.present for one in features}
    missing = [one for one in features if rise[one.column] > limits.max_missing_frac]
    if not missing:
        return []
    worst = max(missing, key=lambda one: rise[one.column])
    detail = (
        f"{counted(len(missing), 'feature')} missing more often than in training, most of all {worst.column}: "
        f"{1 - worst.present:.0%} of the names, {1 - worst.present_in_training:.0%} in training."
    )
    return [Alert("feature_missing", rise[worst.column], limits.max_missing_frac, detail)]


def _named(columns: list[ColumnDrift]) -> str:
    most = sorted(columns, key=lambda one: -one.psi / max(one.largest_psi, 1e-9))[:NAMED]
    more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
    return ", ".join(f"{one.column} (PSI {one.psi:.2f})" for one in most) + more
