"""Turn a portfolio's limits into linear constraints on the shares of its budget."""

import numpy as np

from tasks.portfolio.arrays import Codes, Vector
from tasks.portfolio.limits import Group, Limits
from tasks.portfolio.optimizers.problem import Problem, infeasible
from tasks.portfolio.optimizers.solver import Rows, stacked

BUDGET_SLACK = 1e-6  # an interior-point solver needs some slack inside the limits
MOST_CUT = 8  # groups of the second classification: every choice of them is tried

Family = tuple[
    Vector, Codes
]  # the limit of each group, the last one of names in no group, and each name's group
Families = tuple[Family, Family]


def largest_budget(limits: Limits, names: int) -> float:
    """Return the largest sum of weights that the limits allow, at most 1: less if names are few or too correlated.

    Without pairs, the result is a minimum cut, which is exact. If every member of a pair is limited to half a position,
    all pairs are within their limits; if that does not lower the result, the pairs do not bind. Otherwise a linear
    program is solved.
    """
    families = _two_classifications(limits.groups, names)
    if families is None:
        return _by_linear_program(limits, names)
    share = np.ones(names)
    most = _smallest_cut(families, share * limits.max_position)
    paired = [place for one, other, _ in limits.pairs for place in (one, other)]
    if paired:
        share[paired] = 0.5
        if _smallest_cut(families, share * limits.max_position) < most:
            return _by_linear_program(limits, names)
    return most


def shares_of_budget(problem: Problem) -> tuple[float, Rows]:
    """Return the budget, and the limits on shares of it, which sum to 1."""
    names = len(problem.expected_returns)
    sums = _limited_sums(problem.limits)
    budget = largest_budget(problem.limits, names) * (1 - BUDGET_SLACK)
    if not budget > 0:
        raise infeasible("the limits leave no room for any name")
    each, one = np.arange(names), np.ones(names)
    largest = min(problem.limits.max_position / budget, 1.0)
    return budget, stacked(
        Rows(-one, each, each, 0 * one),
        Rows(one, each, each, largest * one),
        sums._replace(bounds=sums.bounds / budget),
    )


def _smallest_cut(families: Families, room: Vector) -> float:
    """Return the largest sum of weights, at most 1, that the room of each name and the groups allow.

    Each weight belongs to at most two groups, one per classification (sectors, cap classes): maximum flow equals
    minimum cut (Ford and Fulkerson, 1956).
    """
    (of_first, first), (of_second, second) = families
    shape = len(of_first), len(of_second)
    flow = np.bincount(first * shape[1] + second, weights=room, minlength=shape[0] * shape[1]).reshape(shape)
    is_cut = np.arange(2 ** (shape[1] - 1))[:, None] >> np.arange(shape[1]) & 1 == 1  # every choice of groups
    through = np.where(is_cut[:, None, :], 0.0, flow).sum(axis=2)
    cuts = np.where(is_cut, of_second, 0.0).sum(axis=1) + np.minimum(of_first, through).sum(axis=1)
    return min(float(cuts.min()), 1.0)


def _two_classifications(groups: tuple[Group, ...], names: int) -> Families | None:
    """Return two families of disjoint groups; None if the groups need more of them, or too many cuts."""
    families: list[list[Group]] = [[], []]
    codes = np.full((2, names), -1)
    for group in groups:
        free = [place for place in (0, 1) if (codes[place, group.members] < 0).all()]
        if not free:
            return None
        codes[free[0], group.members] = len(families[free[0]])
        families[free[0]].append(group)
    if len(families[1]) > MOST_CUT:
        return None
    first, second = (
        (
            np.array([*(group.limit for group in family), np.inf]),
            np.where(code < 0, len(family), code),
        )
        for family, code in zip(families, codes, strict=True)
    )
    return first, second


def _by_linear_program(limits: Limits, names: int) -> float:
    from scipy.optimize import (
        Bounds,
        LinearConstraint,
        milp,
    )  # milp calls HiGHS with less preparation than linprog
    from scipy.sparse import csc_array

    whole = Rows(np.ones(names), np.zeros(names, dtype=int), np.arange(names), np.ones(1))
    values, rows, columns, bounds = stacked(_limited_sums(limits), whole)
    matrix = csc_array((values, (rows, columns)), shape=(len(bounds), names))
    answer = milp(
        -np.ones(names),
        constraints=LinearConstraint(matrix, -np.inf, bounds),
        bounds=Bounds(0, limits.max_position),
    )
    if not answer.success or answer.fun is None:
        raise infeasible(f"the limits contradict each other ({answer.message})")
    return float(-answer.fun)


def _limited_sums(limits: Limits) -> Rows:
    """Return the limits on sums of weights; exposure is applied afterwards."""
    members = [np.flatnonzero(group.members) for group in limits.groups]
    members += [np.array([one, other]) for one, other, _ in limits.pairs]
    bounds = [group.limit for group in limits.groups] + [limits.max_position] * len(limits.pairs)
    rows = np.repeat(np.arange(len(members)), [len(row) for row in members])
    columns = np.concatenate([np.empty(0, dtype=int), *members])
    return Rows(np.ones(len(rows)), rows, columns, np.array(bounds, dtype=float))
