"""Turn a portfolio's limits into linear constraints on the shares of its budget."""

import numpy as np

from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers.problem import Problem, infeasible
from tasks.portfolio.optimizers.solver import Rows, stacked

BUDGET_SLACK = 1e-6  # an interior-point solver needs some slack inside the limits


def largest_budget(limits: Limits, names: int) -> float:
    """Return the largest sum of weights that the limits allow: below 1 if names are few or too correlated."""
    return _largest_budget(limits, _limited_sums(limits), names)


def shares_of_budget(problem: Problem) -> tuple[float, Rows]:
    """Return the budget, and the limits on shares of it, which sum to 1."""
    names = len(problem.expected_returns)
    sums = _limited_sums(problem.limits)
    budget = _largest_budget(problem.limits, sums, names) * (1 - BUDGET_SLACK)
    if not budget > 0:
        raise infeasible("the limits leave no room for any name")
    each, one = np.arange(names), np.ones(names)
    largest = min(problem.limits.max_position / budget, 1.0)
    return budget, stacked(
        Rows(-one, each, each, 0 * one),
        Rows(one, each, each, largest * one),
        sums._replace(bounds=sums.bounds / budget),
    )


def _largest_budget(limits: Limits, sums: Rows, names: int) -> float:
    if names * limits.max_position <= 1 and not len(sums.bounds):
        return names * limits.max_position
    from scipy.optimize import (
        Bounds,
        LinearConstraint,
        milp,
    )  # milp calls HiGHS with less preparation than linprog
    from scipy.sparse import csc_array

    whole = Rows(np.ones(names), np.zeros(names, dtype=int), np.arange(names), np.ones(1))
    values, rows, columns, bounds = stacked(sums, whole)
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
