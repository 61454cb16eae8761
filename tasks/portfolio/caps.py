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
    """The weights after one limit was applied, and the words for it."""

    why: str
    weights: Weights


def cap_book(weights: Weights, limits: Limits) -> tuple[Cut, ...]:
    """Apply every limit in turn; the last entry is the book that may stand. Negative weights are not expected."""
    cuts = [Cut("wish", weights)]

    def then(why: str, capped: Weights) -> None:
        cuts.append(Cut(why, capped))

    then(
        f"the position limit of {percent(limits.max_position)}",
        cap_positions(cuts[-1].weights, limits.max_position),
    )
    then("a close look-alike", cap_pairs(cuts[-1].weights, limits.pairs, limits.max_position))
    for group in limits.groups:
        then(f"the limit of {percent(group.limit)} for {group.name}", cap_group(cuts[-1].weights, group))
    then(
        f"the exposure limit of {percent(limits.max_exposure)}",
        cap_exposure(cuts[-1].weights, limits.max_exposure),
    )
    then("rounding", round_down(cuts[-1].weights))
    return tuple(cuts)


def round_down(weights: Weights) -> Weights:
    """Round to whole grains, never up by more than a thousandth of one (so that 0.15 stays 0.15)."""
    rounded: Weights = np.floor(weights * GRAINS + 1e-3) / GRAINS
    return rounded


def cap_positions(weights: Weights, limit: float) -> Weights:
    """Cut every weight above the limit."""
    return np.minimum(weights, limit)


def cap_group(weights: Weights, group: Group) -> Weights:
    """Shrink a group that weighs more than its limit, proportions inside it kept."""
    total = weights[group.members].sum()
    if total <= group.limit:
        return weights
    return np.where(group.members, weights * (group.limit / total), weights)


def cap_pairs(weights: Weights, pairs: tuple[Pair, ...], limit: float) -> Weights:
    """Shrink the smaller of two look-alikes until the pair weighs no more than one position may."""
    capped = weights.copy()
    for one, other, _ in pairs:
        excess = capped[one] + capped[other] - limit
        if excess > 0:
            smaller = one if capped[one] < capped[other] else other
            capped[smaller] = max(capped[smaller] - excess, 0.0)
    return capped


def cap_exposure(weights: Weights, limit: float) -> Weights:
    """Shrink the whole book to the exposure that the regime allows (R2)."""
    exposure = weights.sum()
    return weights if exposure <= limit else weights * (limit / exposure)
