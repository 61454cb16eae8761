"""Allocate risk down a tree of correlated names: hierarchical risk parity (López de Prado, 2016)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import Matrix, Problem, Vector, dense, deviations, signals

CORRELATION_DECIMALS = 6  # equal correlations must not become different distances through rounding errors


def hrp(problem: Problem) -> Weights:
    """Sort the names by their single-linkage tree, and split the risk between the halves of the order, top down."""
    volatilities = deviations(problem)
    if len(volatilities) == 1:
        return np.ones(1)
    covariance = dense(problem.covariance)
    return allocate(covariance, covariance / np.outer(volatilities, volatilities))


def allocate(covariance: Matrix, correlation: Matrix) -> Weights:
    """Return the weights of two names and more; `correlation` orders them, `covariance` splits the risk."""
    order = _order_of(correlation)
    weights = np.empty(len(order))
    weights[order] = _bisected(covariance[np.ix_(order, order)], 1 / np.diag(covariance)[order])
    return weights


def tilted_hrp(problem: Problem) -> Weights:
    """Multiply the weights of `hrp` by 1 + tilt for the best score down to 1 - tilt for the worst; keep their sum.

    The tilt is linear in the rank among the candidates; equal scores get the mean of their ranks.
    """
    weights = hrp(problem)
    if len(weights) > 1:
        _, place, count = np.unique(signals(problem), return_inverse=True, return_counts=True)
        mean_rank = np.cumsum(count) - (count + 1) / 2
        rank = mean_rank[place] / (len(weights) - 1)  # 0 the worst, 1 the best
        weights *= 1 + problem.methods.hrp_tilt_frac * (2 * rank - 1)
    tilted: Weights = weights / weights.sum()
    return tilted


def _order_of(correlation: Matrix) -> NDArray[np.integer]:
    """Return the names in the order of the leaves of the tree, so that similar names are neighbors."""
    from scipy.spatial.distance import squareform

    return order_of_pairs(squareform(correlation, checks=False).round(CORRELATION_DECIMALS).tobytes())


@lru_cache(maxsize=16)
def order_of_pairs(correlations: bytes) -> NDArray[np.integer]:
    """Return the order of the leaves from all pairwise correlations; shared by a matrix's combinations in a session."""
    from scipy.cluster.hierarchy import linkage

    order = _leaves(linkage(np.sqrt(np.clip((1.0 - np.frombuffer(correlations)) / 2.0, 0.0, 1.0)), "single"))
    order.flags.writeable = False
    return order


def _leaves(tree: Matrix) -> NDArray[np.integer]:
    """Return the leaves from left to right, as `scipy.cluster.hierarchy.leaves_list` in a twentieth of its time."""
    names = len(tree) + 1
    branches = tree[:, :2].astype(np.int64).tolist()
    leaves, left = [], [2 * names - 2]
    while left:
        node = left.pop()
        if node < names:
            leaves.append(node)
        else:
            left += reversed(branches[node - names])
    return np.array(leaves)


def _bisected(covariance: Matrix, precision: Vector) -> Vector:
    """Return the weights: each half of a block gets a share by the inverse of its variance.

    The variance of a half is computed with its names weighted by the inverse of their variance.
    """
    risk = covariance * np.outer(precision, precision)
    weights = np.ones(len(precision))
    blocks = [(0, len(precision))]
    while blocks:
        start, stop = blocks.pop()
        middle = start + (stop - start) // 2
        first, second = slice(start, middle), slice(middle, stop)
        one = risk[first, first].sum() / precision[first].sum() ** 2
        other = risk[second, second].sum() / precision[second].sum() ** 2
        share = 1 - one / (one + other)
        weights[first] *= share
        weights[second] *= 1 - share
        blocks += [(a, b) for a, b in ((start, middle), (middle, stop)) if b - a > 1]
    return weights
