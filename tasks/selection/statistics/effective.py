"""The effective number of trials: how many independent ones would be as many chances to find something by luck.

Trials whose returns are correlated are no independent chances. They are clustered by correlation, within each week
first and then across weeks, so that the matrices stay small. In a cluster of n trials with a mean correlation ρ the
number is ρ + (1 − ρ) n (Bailey and López de Prado 2014, appendix 3): one if they are all the same, n if they are
unrelated. So no trial that differs from the others is free.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SAME_CLUSTER = 0.5  # mean correlation from which groups of trials are merged
LEAST_COMMON = 60  # sessions that two trials must share for their correlation to count


@dataclass(frozen=True)
class Clusters:
    """The clusters of trials: how many independent trials each is worth, and its mean return on each session."""

    effective: Vector
    returns: Matrix  # sessions × clusters; NaN where no trial of the cluster has a return

    @property
    def total(self) -> float:
        """The effective number of all trials."""
        return float(self.effective.sum())


def cluster_trials(returns: Matrix, weeks: Sequence[object]) -> Clusters:
    """Cluster trials. `returns`: sessions × trials, NaN where a trial has none; `weeks`: the week of each trial."""
    groups: dict[object, list[int]] = {}
    for column, week in enumerate(weeks):
        groups.setdefault(week, []).append(column)
    weekly = [_clustered(returns[:, columns], np.ones(len(columns))) for columns in groups.values()]
    if len(weekly) == 1:
        return weekly[0]
    return _clustered(
        np.concatenate([each.returns for each in weekly], axis=1) if weekly else returns,
        np.concatenate([each.effective for each in weekly]) if weekly else np.empty(0),
    )


def correlations(returns: Matrix) -> Matrix:
    """Return the correlation of each pair of columns on their common sessions; 0 for fewer than LEAST_COMMON."""
    known = np.isfinite(returns)
    values, is_known = np.where(known, returns, 0.0), known.astype(np.float64)
    common = is_known.T @ is_known
    sums = values.T @ is_known  # of a column on the sessions that it shares with the other
    squares = (values**2).T @ is_known
    shared = np.maximum(common, 1)
    covariance = values.T @ values - sums * sums.T / shared
    variance = np.maximum(squares - sums**2 / shared, 0.0)
    scale = np.sqrt(variance * variance.T)
    usable = (common >= LEAST_COMMON) & (scale > 1e-24)
    found = np.where(usable, covariance / np.where(usable, scale, 1.0), 0.0)
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1.0, 1.0)


def _clustered(returns: Matrix, effective: Vector) -> Clusters:
    """Merge columns whose mean correlation is at least SAME_CLUSTER; `effective` is what each column is worth."""
    count = returns.shape[1]
    if count < 2:
        return Clusters(effective, returns)
    related = correlations(returns)
    tree = linkage(squareform(1 - related, checks=False), method="average")
    labels = fcluster(tree, 1 - SAME_CLUSTER, criterion="distance")
    worth, means = [], []
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        worth.append(_worth(related[np.ix_(inside, inside)], effective[inside]))
        means.append(_mean(returns[:, inside]))
    return Clusters(np.array(worth), np.column_stack(means))


def _worth(related: Matrix, effective: Vector) -> float:
    """Return the effective number of trials of one cluster: the largest part if all are the same, else the sum."""
    count = len(effective)
    if count == 1:
        return float(effective[0])
    mean = min(max(float(related[~np.eye(count, dtype=bool)].mean()), 0.0), 1.0)
    return mean * float(effective.max()) + (1 - mean) * float(effective.sum())


def _mean(returns: Matrix) -> Vector:
    known = np.isfinite(returns)
    count = known.sum(axis=1)
    total = np.where(known, returns, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
