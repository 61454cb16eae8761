"""Allocate risk down a tree of correlated names: hierarchical risk parity (López de Prado, 2016)."""

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import Matrix, Problem, Vector, deviations

CORRELATION_DECIMALS = 6  # equal correlations must not become different distances through rounding errors


def hrp(problem: Problem) -> Weights:
    """Sort the names by their single-linkage tree, and split the risk between the halves of the order, top down."""
    volatilities = deviations(problem)
    if len(volatilities) == 1:
        return np.ones(1)
    correlation = problem.covariance / np.outer(volatilities, volatilities)
    order = _order_of(correlation)
    weights = np.empty(len(order))
    weights[order] = _bisected(correlation[np.ix_(order, order)], volatilities[order])
    return weights


def _order_of(correlation: Matrix) -> NDArray[np.integer]:
    """Return the names in the order of the leaves of the tree, in which similar names are neighbours."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    upper = correlation[np.triu_indices(len(correlation), 1)].round(CORRELATION_DECIMALS)
    return leaves_list(linkage(np.sqrt(np.clip((1.0 - upper) / 2.0, 0.0, 1.0)), "single"))


def _bisected(correlation: Matrix, volatilities: Vector) -> Vector:
    """Return the weights: each half of a block gets a share by the inverse of its variance.

    The variance of a half is that of its names weighted by their inverse variances.
    """
    precision = volatilities**-2.0
    risk = correlation / np.outer(volatilities, volatilities)  # covariance between the weighted names
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
