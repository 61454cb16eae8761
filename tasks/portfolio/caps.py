"""Reduce target weights until every limit holds. The excess stays in cash.

Never adds exposure or raises a weight; uses no prices or scores. Every limit is an upper bound on a sum and every
step only reduces weights, so one pass satisfies all limits and a second pass changes nothing.
"""

from typing import NamedTuple

import numpy as np

from tasks.core.text import percent
from tasks.portfolio.limits import Group, Limits, Pair, Weights

GRAINS = 1e10  # weights are whole numbers of 1e-10, rounded down, so that equal runs agree to the byte


class Cut(NamedTuple):
    """The weights after one limit was applied, and its description."""

    why: str
    weights: Weights


def cap_book(weights: Weights, limits: Limits) -> tuple[Cut, ...]:
    """Apply every limit in turn; the last entry satisfies all of them. Weights must not be negative."""
    cuts = [Cut("desired", weights)]

    def then(why: str, capped: Weights) -> None:
        cuts.append(Cut(why, capped))

    then(
        f"the position limit of {percent(limits.max_position)}",
        cap_positions(cuts[-1].weights, limits.max_position),
    )
    then("the limit on correlated pairs", cap_pairs(cuts[-1].weights, limits.pairs, limits.max_position))
    for group in limits.groups:
        then(f"the limit of {percent(group.limit)} for {group.name}", cap_group(cuts[-1].weights, group))
    then(
        f"the exposure limit of {percent(limits.max_exposure)}",
        cap_exposure(cuts[-1].weights, limits.max_exposure),
    )
    then("rounding", round_down(cuts[-1].weights))
    return tuple(cuts)


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
    capped = weights.copy()
    for one, other, _ in pairs:
        excess = capped[one] + capped[other] - limit
        if excess > 0:
            smaller = one if capped[one] < capped[other] else other
            capped[smaller] = max(capped[smaller] - excess, 0.0)
    return capped


def cap_exposure(weights: Weights, limit: float) -> Weights:
    """Scale the whole portfolio down to the regime's exposure cap."""
    exposure = weights.sum()
    return weights if exposure <= limit else weights * (limit / exposure)
