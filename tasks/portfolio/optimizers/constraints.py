"""Turn a portfolio's limits into linear constraints on the shares of its budget."""

import numpy as np

from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers.problem import Matrix, Problem, Vector, infeasible
from tasks.portfolio.optimizers.quadratic import Rows

BUDGET_SLACK = 1e-6  # an interior-point solver needs some slack inside the limits


def largest_budget(limits: Limits, names: int) -> float:
    """Return the largest sum of weights that the limits allow: below 1 if names are few or too correlated."""
    if names * limits.max_position <= 1 and not limits.groups and not limits.pairs:
        return names * limits.max_position
    from scipy.optimize import linprog

    matrix, bounds = _as_rows(limits, names)
    answer = linprog(
        -np.ones(names),
        A_ub=np.vstack([matrix, np.ones(names)]),
        b_ub=np.append(bounds, 1.0),
        bounds=(0, limits.max_position),
    )
    if not answer.success or answer.fun is None:
        raise infeasible(f"the limits contradict each other ({answer.message})")
    return float(-answer.fun)


def shares_of_budget(problem: Problem) -> tuple[float, Rows]:
    """Return the budget, and the limits as `matrix @ shares <= bounds`: shares of the budget, with a sum of 1."""
    names = len(problem.expected_returns)
    budget = largest_budget(problem.limits, names) * (1 - BUDGET_SLACK)
    if not budget > 0:
        raise infeasible("the limits leave no room for any name")
    matrix, bounds = _as_rows(problem.limits, names)
    each = np.eye(names)
    largest = np.full(names, min(problem.limits.max_position / budget, 1.0))
    return budget, (
        np.vstack([-each, each, matrix]),
        np.concatenate([np.zeros(names), largest, bounds / budget]),
    )


def _as_rows(limits: Limits, names: int) -> tuple[Matrix, Vector]:
    """Return the limits on sums of weights as `matrix @ weights <= bounds`; exposure is applied afterwards."""
    rows = [group.members.astype(float) for group in limits.groups]
    for one, other, _ in limits.pairs:
        row = np.zeros(names)
        row[[one, other]] = 1.0
        rows.append(row)
    bounds = [group.limit for group in limits.groups] + [limits.max_position] * len(limits.pairs)
    return np.array(rows).reshape(len(rows), names), np.array(bounds)
