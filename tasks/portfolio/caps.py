"""Reduce target weights until every limit holds. The excess stays in cash.

Never adds exposure or raises a weight; uses no prices or scores. Every limit is an upper bound on a sum and every
step only reduces weights, so one pass satisfies all limits and a second pass changes nothing.
"""

import numpy as np

from tasks.portfolio.arrays import Matrix
from tasks.portfolio.limits import Group, Limits, Pair, Weights

GRAINS = 1e10  # weights are whole numbers of 1e-10, rounded down, so that equal runs agree to the byte


def cap_book(weights: Weights, limits: Limits) -> Matrix:
    """Return the weights, which must not be negative, and in each further row the weights after one more limit.

    The order is: position, correlated pairs, each group, exposure, rounding. The last row satisfies all limits.
    """
    rows = [weights, cap_positions(weights, limits.max_position)]
    rows.append(cap_pairs(rows[-1], limits.pairs, limits.max_position))
    for group in limits.groups:
        rows.append(cap_group(rows[-1], group))
    rows.append(cap_exposure(rows[-1], limits.max_exposure))
    rows.append(round_down(rows[-1]))
    return np.array(rows)


def round_down(weights: Weights) -> Weights:
    """Round down to whole grains, but up by at most a thousandth of one (so that 0.15 stays 0.15)."""
    rounded: Weights = np.floor(weights * GRAINS + 1e-3) / GRAINS
    return rounded


def cap_positions(weights: Weights, limit: float) -> Weights:
    """Cut every weight above the limit."""
    return np.minimum(weights, limit)


def cap_group(weights: Weights, group: Group) -> Weights:
    """Scale a group down to its limit, with unchanged proportions."""
    total = weights[group.members].sum()
    if total <= group.limit:
        return weights
    return np.where(group.members, weights * (group.limit / total), weights)


def cap_pairs(weights: Weights, pairs: tuple[Pair, ...], limit: float) -> Weights:
    """Reduce the smaller position of a correlated pair until the pair is within the limit of one position."""
    if not pairs:
        return weights
    capped = weights.tolist()
    for one, other, _ in pairs:
        excess = capped[one] + capped[other] - limit
        if excess > 0:
            smaller = one if capped[one] < capped[other] else other
            capped[smaller] = max(capped[smaller] - excess, 0.0)
    return np.array(capped)


def cap_exposure(weights: Weights, limit: float) -> Weights:
    """Scale the whole portfolio down to the regime's exposure cap."""
    exposure = weights.sum()
    return weights if exposure <= limit else weights * (limit / exposure)
