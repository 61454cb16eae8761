"""Look over the features after a training: which ones matter, and which are dead, double, or may know the future.

Drops no feature and stops nothing: it says what a person should look at. Looks at a sample of the rows that the
candidate learned, and at no others.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import FeatureChecks
from tasks.models.kinds.base import Rows, Vector
from tasks.models.training.dataset import Dataset
from tasks.models.training.fitted import Fitted
from tasks.models.training.metrics import Metrics, measure

KEEP, DEAD, DUPLICATE, SUSPECT = "keep", "drop: dead", "drop: duplicates", "look: may know the future"

LEAST_SESSIONS = 20  # with fewer, a t-statistic says little

Square = NDArray[np.float64]  # features × features


def check_features(
    data: Dataset, rows: NDArray[np.intp], fitted: Fitted, limits: FeatureChecks, *, seed: int
) -> pd.DataFrame:
    """Return one row a feature, in the model's order, with what is to be done about it.

    importance: share in the scores, 1 in all; missing for a rule. variance and present_frac: over the sample.
    rank_ic, rank_ic_t: of the feature alone with the shortest forward return. group: a number that features share
    which are correlated, directly or by way of each other; 0 for one that stands alone.
    """
    sample = _sample(rows, limits.sample_rows, seed)
    x = data.x[sample]
    variance, present = _variance(x), np.isfinite(x).sum(axis=0) / max(len(x), 1)
    importance = _importance(fitted, x)
    alone = [_measured(column, data.forward[sample], data.sessions[sample]) for column in x.T]
    is_dead = variance < limits.min_variance
    is_double = (np.abs(correlations(x)) > limits.max_correlation) & ~is_dead & ~is_dead[:, None]
    table = pd.DataFrame(
        {
            "feature": list(data.features),
            "importance": importance,
            "importance_rank": pd.Series(importance).rank(ascending=False, method="first").astype("Int64"),
            "variance": variance,
            "present_frac": present,
            "rank_ic": [each.rank_ic for each in alone],
            "rank_ic_t": [each.rank_ic_t for each in alone],
            "group": _groups(is_double),
        }
    )
    is_suspect = [_knows_too_much(each, limits) for each in alone]
    kept_instead = _kept_instead(is_double, np.lexsort((-present, -np.nan_to_num(importance))))
    doubles = [f"{DUPLICATE} {data.features[i]}" if i >= 0 else KEEP for i in kept_instead]
    return table.assign(recommendation=np.select([is_suspect, is_dead], [SUSPECT, DEAD], doubles))


def correlations(x: Rows) -> Square:
    """Return Pearson's correlation of every two columns over the rows that hold both; 0 where one does not vary."""
    present = np.isfinite(x).astype(np.float64)
    count = np.maximum(present.sum(axis=0), 1)
    filled = np.where(present > 0, x, 0.0)
    centred = (filled - filled.sum(axis=0) / count) * present  # so that no digits are lost below
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
    """Return each column's variance over what is present; 0 where nothing is."""
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
    return measure(column[present].astype(np.float64), forward[present], sessions[present])


def _knows_too_much(alone: Metrics, limits: FeatureChecks) -> bool:
    """Say whether the feature foretells returns better than anything honest does, and not by chance."""
    if alone.sessions < LEAST_SESSIONS or abs(alone.rank_ic) <= limits.max_rank_ic:
        return False
    is_the_return_itself = alone.rank_ic_t == 0  # all sessions are equal: there is nothing to divide by
    return is_the_return_itself or abs(alone.rank_ic_t) > limits.max_rank_ic_t


def _groups(is_double: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number the groups from 1 in the order of their first feature."""
    from scipy.sparse.csgraph import connected_components  # slow to import, and no day has use for it

    _, component = connected_components(is_double, directed=False)
    sizes = np.bincount(component)
    numbers = {each: number for number, each in enumerate(dict.fromkeys(component[sizes[component] > 1]), 1)}
    return np.array([numbers.get(each, 0) for each in component], dtype=np.intp)


def _kept_instead(is_double: NDArray[np.bool_], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return, for every feature, the kept one that it is a double of, or −1; who is earlier in the order is kept."""
    kept: list[int] = []
    instead = np.full(len(order), -1)
    for feature in order:
        doubles = [other for other in kept if is_double[feature, other]]
        if doubles:
            instead[feature] = doubles[0]
        else:
            kept.append(int(feature))
    return instead
