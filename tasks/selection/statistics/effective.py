"""The effective number of trials.

It is the number of independent trials that would have the same probability of an equally good result by chance.

Trials are not independent if their Sharpe ratios are correlated, because their returns are correlated or because they
share sessions. So the correlation of two trials is measured on their mean returns: the correlation of their returns on
the common sessions, times the share of sessions that are common.

Trials are clustered by this correlation, week by week, because the matrix of all trials grows with the square of their
number. The trials of a week are clustered first; a cluster counts as (Σ√λ)² / Σλ trials, where λ are the eigenvalues of
its correlation matrix (Galwey 2009): one if all are identical, their number if they are uncorrelated. Then its mean
joins the group of earlier weeks' means with which it is correlated. A group counts as this expression for its means,
times the number that each of its clusters counts as. This equals the expression for all its trials if every week has
the same trials, because the eigenvalues of a Kronecker product are products. Where the clusters of a group count as
different numbers, the group is summed over layers, one between each two successive numbers: the height of the layer
times the expression for the means of the clusters that reach it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SAME_CLUSTER = 0.5  # mean correlation from which groups of trials are merged
LARGEST_BATCH = 400  # trials that are clustered together


@dataclass
class _Group:
    """Correlated clusters of several weeks: the mean of each, of length one, and its effective number of trials."""

    means: list[Vector] = field(default_factory=list)
    worths: list[float] = field(default_factory=list)

    def effective(self) -> float:
        """Return the sum over the layers of the effective numbers: of the means whose clusters reach each layer."""
        means, worths = np.column_stack(self.means), np.asarray(self.worths)
        related = _bounded(means.T @ means)
        layers = np.unique(worths)
        inside = (np.flatnonzero(worths >= layer) for layer in layers)
        heights = np.diff(layers, prepend=0.0)
        return float(
            sum(
                height * _worth(related[np.ix_(each, each)])
                for height, each in zip(heights, inside, strict=True)
            )
        )


def effective_trials(returns: Matrix) -> float:
    """Return the effective number. `returns`: sessions × trials, none constant; NaN where a trial has no return."""
    groups: list[_Group] = []
    totals = np.empty((0, len(returns)))  # sum of the means of each group
    for batch in _batches(returns):
        found = list(_clusters(unit_returns(returns[:, batch])))
        if len(groups) + len(found) > len(totals):
            totals = np.vstack([totals, np.zeros((len(groups) + len(found), len(returns)))])
        near = totals[: len(groups)] @ np.column_stack([mean for mean, _ in found])
        near /= np.array([len(group.means) for group in groups])[:, None]
        for place, (mean, worth) in enumerate(found):
            best = int(near[:, place].argmax()) if len(near) else -1
            if best < 0 or near[best, place] < SAME_CLUSTER:
                best = len(groups)
                groups.append(_Group())
            groups[best].means.append(mean)
            groups[best].worths.append(worth)
            totals[best] += mean
    return float(sum(group.effective() for group in groups))


def correlations(returns: Matrix) -> Matrix:
    """Return the correlations of the mean returns; sessions that one of two trials lacks count as unrelated."""
    unit = unit_returns(returns)
    return _bounded(unit.T @ unit)


def unit_returns(returns: Matrix) -> Matrix:
    """Return the returns less their mean, scaled to a length of one; 0 where a trial has no return."""
    known = np.isfinite(returns)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, returns, 0.0).sum(axis=0) / count
    centred = np.where(known, returns - means, 0.0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(centred / np.where(length > 0, length, 1.0))


def _batches(returns: Matrix) -> Iterator[NDArray[np.intp]]:
    """Yield the columns of the trials of each week, that is, of each last session, oldest first."""
    known = np.isfinite(returns)
    last = len(returns) - 1 - known[::-1].argmax(axis=0) if len(returns) else np.empty(0, dtype=np.intp)
    for session in np.unique(last):
        week = np.flatnonzero(last == session)
        yield from np.array_split(week, -(-len(week) // LARGEST_BATCH))


def _clusters(unit: Matrix) -> Iterator[tuple[Vector, float]]:
    """Yield the mean, of length one, and the effective number of each cluster of a week's trials."""
    related = _bounded(unit.T @ unit)
    labels: NDArray[np.integer] = np.ones(1, dtype=np.int32)
    if len(related) > 1:
        tree = linkage(squareform(1 - related, checks=False), method="average")
        labels = fcluster(tree, 1 - SAME_CLUSTER, criterion="distance")
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        total = unit[:, inside].sum(axis=1)
        yield total / np.linalg.norm(total), _worth(related[np.ix_(inside, inside)])


def _bounded(related: Matrix) -> Matrix:
    """Return correlations free of rounding errors beyond ±1."""
    found = np.clip(related, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _worth(related: Matrix) -> float:
    """Return the effective number of trials of one cluster."""
    eigenvalues = np.clip(np.linalg.eigvalsh(related), 0.0, None)
    return float(np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum())
