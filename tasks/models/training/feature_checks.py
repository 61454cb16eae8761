"""Check the features after training: importance, and which are dead, near-duplicates or suspected of look-ahead.

Informational: no feature is dropped. Uses a sample of the candidate's training rows.
"""

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import FeatureChecks
from tasks.models.kinds.base import Rows, Vector
from tasks.models.training.dataset import Dataset
from tasks.models.training.fitted import Fitted
from tasks.models.training.metrics import Metrics, metrics_of

KEEP, DEAD, DUPLICATE, SUSPECT = "keep", "drop: dead", "drop: duplicates", "look: possible look-ahead"

LEAST_SESSIONS = 20  # with fewer, a t-statistic is meaningless

Square = NDArray[np.float64]  # features × features


def check_features(
    data: Dataset, rows: NDArray[np.intp], fitted: Fitted, limits: FeatureChecks, *, seed: int
) -> pd.DataFrame:
    """Return one row per feature, in the model's order, with a recommendation.

    importance: contribution to the scores, summing to 1; NaN for a rule. variance and present_frac: over the sample.
    rank_ic, rank_ic_t: of the feature alone with the shortest forward return. group: a number shared by features that
    are correlated, directly or transitively; 0 for all others.
    """
    sample = _sample(rows, limits.sample_rows, seed)
    x = data.x[sample]
    variance, present = _variance(x), np.isfinite(x).sum(axis=0) / max(len(x), 1)
    importance = _importance(fitted, x)
    alone = [_measured(column, data.forward[sample], data.sessions[sample]) for column in x.T]
    is_dead = variance < limits.min_variance
    is_duplicate = (np.abs(correlations(x)) > limits.max_correlation) & ~is_dead & ~is_dead[:, None]
    table = pd.DataFrame(
        {
            "feature": list(data.features),
            "importance": importance,
            "importance_rank": pd.Series(importance).rank(ascending=False, method="first").astype("Int64"),
            "variance": variance,
            "present_frac": present,
            "rank_ic": [each.rank_ic for each in alone],
            "rank_ic_t": [_rank_ic_t(each) for each in alone],
            "group": _groups(is_duplicate),
        }
    )
    is_suspect = [_is_suspect(each, limits) for each in alone]
    retained = _retained_for(is_duplicate, np.lexsort((-present, -np.nan_to_num(importance))))
    duplicates = [f"{DUPLICATE} {data.features[i]}" if i >= 0 else KEEP for i in retained]
    return table.assign(recommendation=np.select([is_suspect, is_dead], [SUSPECT, DEAD], duplicates))


def correlations(x: Rows) -> Square:
    """Return the Pearson correlations of the columns over rows where both are present; 0 for a constant column."""
    present = np.isfinite(x).astype(np.float64)
    count = np.maximum(present.sum(axis=0), 1)
    filled = np.where(present > 0, x, 0.0)
    centred = (filled - filled.sum(axis=0) / count) * present  # for precision below
    both = np.maximum(present.T @ present, 1)
    sums, squares = centred.T @ present, (centred**2).T @ present
    covariance = centred.T @ centred - sums * sums.T / both
    variation = np.maximum(squares - sums**2 / both, 0.0)
    scale = np.sqrt(variation * variation.T)
    varies = scale > 1e-12 * both
    return np.asarray(np.where(varies, covariance / np.where(varies, scale, 1.0), 0.0))


def _sample(rows: NDArray[np.intp], at_most: int, seed: int) -> NDArray[np.intp]:
    if len(rows) <= at_most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, at_most, replace=False))


def _variance(x: Rows) -> Vector:
    """Return the variance of each column's present values; 0 if there are none."""
    present = np.isfinite(x)
    count = np.maximum(present.sum(axis=0), 1)
    filled = np.where(present, x, 0.0).astype(np.float64)
    centred = np.where(present, filled - filled.sum(axis=0) / count, 0.0)
    return np.asarray((centred**2).sum(axis=0) / count)


def _importance(fitted: Fitted, x: Rows) -> Vector:
    found = fitted.model.importance(x) if len(x) else None
    return np.full(x.shape[1], np.nan) if found is None else found


def _measured(column: NDArray[np.float32], forward: Vector, sessions: NDArray[np.intp]) -> Metrics:
    present = np.isfinite(column)
    return metrics_of(column[present].astype(np.float64), forward[present], sessions[present])


def _is_suspect(alone: Metrics, limits: FeatureChecks) -> bool:
    """Return whether the feature predicts returns implausibly well, and not by chance."""
    if alone.sessions < LEAST_SESSIONS or abs(alone.rank_ic) <= limits.max_rank_ic:
        return False
    t = _rank_ic_t(alone)
    is_the_return_itself = t == 0  # all sessions are equal, so the deviation is 0
    return is_the_return_itself or abs(t) > limits.max_rank_ic_t


def _rank_ic_t(alone: Metrics) -> float:
    """Return Student's t of the sampled sessions, which are a horizon apart.

    Not the t of a claim, whose error allows for autocorrelation: in a few sessions that would hide a leak.
    """
    return alone.icir * sqrt(alone.sessions)


def _groups(is_duplicate: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number the groups from 1 in the order of their first feature."""
    from scipy.sparse.csgraph import connected_components  # slow to import, and not needed by the daily run

    _, component = connected_components(is_duplicate, directed=False)
    sizes = np.bincount(component)
    numbers = {each: number for number, each in enumerate(dict.fromkeys(component[sizes[component] > 1]), 1)}
    return np.array([numbers.get(each, 0) for each in component], dtype=np.intp)


def _retained_for(is_duplicate: NDArray[np.bool_], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each feature the retained one it duplicates, or −1; the earlier in `order` is retained."""
    retained: list[int] = []
    retained_for = np.full(len(order), -1)
    for feature in order:
        duplicates = [other for other in retained if is_duplicate[feature, other]]
        if duplicates:
            retained_for[feature] = duplicates[0]
        else:
            retained.append(int(feature))
    return retained_for
