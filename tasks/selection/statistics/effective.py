"""The effective number of trials.

It is the number of independent trials with the same probability of an equally good result by chance.

Trials are not independent if their Sharpe ratios are correlated, because their returns are correlated or because they
share sessions. So the correlation of two trials is measured on their mean returns: the correlation of their returns on
the common sessions, times the share of sessions that are common.

Trials are clustered by this correlation. A cluster counts as (Σ√λ)² / Σλ trials, where λ are the eigenvalues of its
correlation matrix (Galwey 2009): one if all are identical, their number if they are uncorrelated. Clustering comes
first, because otherwise many similar trials would hide the few that differ.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SAME_CLUSTER = 0.5  # mean correlation from which groups of trials are merged


def effective_trials(returns: Matrix) -> float:
    """Return the effective number. `returns`: sessions × trials, none constant; NaN where a trial has no return."""
    count = returns.shape[1]
    if count < 2:
        return float(count)
    related = correlations(returns)
    tree = linkage(squareform(1 - related, checks=False), method="average")
    labels = fcluster(tree, 1 - SAME_CLUSTER, criterion="distance")
    members = (np.flatnonzero(labels == label) for label in np.unique(labels))
    return float(sum(_worth(related[np.ix_(inside, inside)]) for inside in members))


def correlations(returns: Matrix) -> Matrix:
    """Return the correlations of the mean returns; sessions that one of two trials lacks count as unrelated."""
    known = np.isfinite(returns)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, returns, 0.0).sum(axis=0) / count
    centred = np.where(known, returns - means, 0.0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(length > 0, length, 1.0)
    found = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _worth(related: Matrix) -> float:
    """Return the effective number of trials of one cluster."""
    eigenvalues = np.clip(np.linalg.eigvalsh(related), 0.0, None)
    return float(np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum())
