"""What the features and scores of a model looked like in training: quantile bins, and how much they vary on their own.

The values of a block of sessions are compared with those of all training sessions by three measures on the same bins:
the population stability index (PSI), the Kolmogorov-Smirnov distance (KS) and the Jensen-Shannon divergence (JS, in
bits). Features are taken before their cross-sectional transform: ranks have the same distribution on every day. Since
whole markets move, blocks differ from the whole without any drift; the baseline has the largest PSI of a block.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Panel
from tasks.features.compute import compute_raw
from tasks.features.registry import selected
from tasks.models.kinds.base import Rows
from tasks.models.schema import Baseline
from tasks.models.training.splits import Positions

BINS = 10
FLOOR = 1e-4  # share of an empty bin: keeps the PSI finite
SCORE = "score"  # the column of the scores
CALENDAR = "calendar"  # a family whose features are the same for every name
FEATURES_AT_ONCE = 4  # limits the memory for raw values of all sessions
Shares = NDArray[np.float64]  # columns × bins
Edges = NDArray[np.float64]


def compared_features(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features that can drift: those that differ between names."""
    return tuple(feature.name for feature in selected(names) if feature.family != CALENDAR)


def make_baseline(
    panel: Panel,
    names: tuple[str, ...],
    sessions: Positions,
    scores: tuple[NDArray[np.float64], Positions],
    *,
    block_sessions: int,
) -> Baseline:
    """Return the baseline over the members of these consecutive sessions of the panel.

    `scores`: of the trained model, and the session of each, for as many rows as it was trained on.
    """
    first, last = int(sessions.min()), int(sessions.max())
    is_member = panel.is_member[first : last + 1]
    features = compared_features(names)
    columns = []
    for start in range(0, len(features), FEATURES_AT_ONCE):
        few = selected(features[start : start + FEATURES_AT_ONCE])
        raw = compute_raw(panel, few)[:, first : last + 1]
        block = np.nonzero(is_member)[0] // block_sessions
        columns += [_column(raw[place][is_member], block) for place in range(len(few))]
    values, at = scores
    columns.append(_column(values, (at - first) // block_sessions))
    edges, shares, present, largest = zip(*columns, strict=True)
    return Baseline((*features, SCORE), edges, shares, present, largest, block_sessions, last - first + 1)


def _column(
    values: NDArray[np.floating], block: Positions
) -> tuple[tuple[float, ...], tuple[float, ...], float, float]:
    """Return the edges, the shares of the bins, the fraction present and the largest PSI of a block."""
    known = np.isfinite(values)
    points = np.arange(1, BINS) / BINS
    edges = np.quantile(values[known], points) if known.any() else np.zeros(BINS - 1)
    number, group = np.unique(block, return_inverse=True)
    place = np.searchsorted(edges, values[known], side="right")
    cells = np.bincount(group[known] * BINS + place, minlength=len(number) * BINS).reshape(-1, BINS)
    whole = shares_of(cells.sum(axis=0))
    each = psi(shares_of(cells[cells.sum(axis=1) > 0]), whole)
    present = float(known.mean()) if len(known) else 0.0
    return _rounded(edges), _rounded(whole), round(present, 6), round(float(each.max(initial=0.0)), 6)


def binned(values: Rows, edges: Edges) -> NDArray[np.intp]:
    """Return the number of values of each column (rows × columns) in each bin; missing values are in none."""
    counts = np.zeros((values.shape[1], BINS), dtype=np.intp)
    for column in range(values.shape[1]):
        known = values[np.isfinite(values[:, column]), column]
        place = np.searchsorted(edges[column], known, side="right")
        counts[column] = np.bincount(place, minlength=BINS)
    return counts


def shares_of(counts: NDArray[np.intp]) -> Shares:
    """Return counts as fractions along the last axis; equal fractions where there are no values."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), 1 / BINS)


def psi(shares: Shares, expected: Shares) -> NDArray[np.float64]:
    """Return the population stability index along the last axis."""
    one, other = np.maximum(shares, FLOOR), np.maximum(expected, FLOOR)
    return np.asarray(((one - other) * np.log(one / other)).sum(axis=-1))


def ks(shares: Shares, expected: Shares) -> NDArray[np.float64]:
    """Return the largest difference of the cumulated shares along the last axis."""
    return np.asarray(np.abs(np.cumsum(shares - expected, axis=-1)).max(axis=-1))


def js(shares: Shares, expected: Shares) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence along the last axis, in bits: from 0 to 1."""
    middle = (shares + expected) / 2
    return np.asarray((_divergence(shares, middle) + _divergence(expected, middle)) / 2)


def _divergence(shares: Shares, other: Shares) -> NDArray[np.float64]:
    ratio = np.where(shares > 0, shares / np.where(other > 0, other, 1.0), 1.0)
    return np.asarray((shares * np.log2(ratio)).sum(axis=-1))


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the numbers with seven significant digits: as exact as the features, and shorter."""
    return tuple(float(f"{value:.7g}") for value in values)
