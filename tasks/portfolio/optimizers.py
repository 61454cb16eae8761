"""Turn expected returns and covariances into weights: one function per method, one line each in OPTIMIZERS.

Every method takes the same problem and returns one non-negative weight per name, with a sum of at most 1. Methods
that support constraints satisfy the limits; the excess of the others is cut by tasks/portfolio/caps.py and stays in
cash. A method without a solution raises InfeasibleError, and the ladder tries the next one.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InfeasibleError
from tasks.portfolio.limits import Limits, Weights
from tasks.portfolio.quadratic import NoSolution, Rows, minimise_variance

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

NOISE = 0.05  # a weight below this fraction of an equal weight is solver noise
DECIMALS = 16  # of a share of the budget; smaller digits are solver noise too
BUDGET_SLACK = 1e-6  # an interior-point solver needs some slack inside the limits


@dataclass(frozen=True)
class Problem:
    """An optimizer's input. Returns and covariances are annual; returns are in excess of cash."""

    expected_returns: Vector
    covariance: Matrix
    limits: Limits
    solver_max_iterations: int


def max_sharpe(problem: Problem) -> Weights:
    """Maximise expected excess return over volatility."""
    if not problem.expected_returns.max() > 0:
        raise _infeasible("no name is expected to beat cash")
    budget, rows = _shares(problem)
    names = len(problem.expected_returns)
    # the ratio does not change with the scale, so the return is held at 1; the last variable is what the shares sum to
    matrix, bounds = rows
    scaled = np.column_stack([matrix, -bounds])
    equal = np.vstack([np.append(problem.expected_returns, 0.0), np.append(np.ones(names), -1.0)])
    positive = -np.eye(1, names + 1, names)
    x = _solved(
        problem,
        (equal, np.array([1.0, 0.0])),
        (np.vstack([positive, scaled]), np.zeros(1 + len(scaled))),
    )
    weights: Weights = budget * (x[:-1] / x[-1]).round(DECIMALS)
    return weights


def min_volatility(problem: Problem) -> Weights:
    """Minimise volatility; scores matter only for the choice of names."""
    budget, rows = _shares(problem)
    names = len(problem.expected_returns)
    return budget * _solved(problem, (np.ones((1, names)), np.ones(1)), rows).round(DECIMALS)


def hrp(problem: Problem) -> Weights:
    """Allocate risk down a tree of correlated names (hierarchical risk parity)."""
    if len(problem.covariance) == 1:
        return np.ones(1)
    import pandas as pd
    from pypfopt.hierarchical_portfolio import HRPOpt

    with _failures_named():
        by_name = HRPOpt(cov_matrix=pd.DataFrame(problem.covariance)).optimize()
        return np.array([by_name[name] for name in range(len(problem.covariance))])


def inverse_volatility(problem: Problem) -> Weights:
    """Weight each name by the inverse of its volatility."""
    variance = np.diag(problem.covariance)
    if not (variance > 0).all():
        raise _infeasible("a name has zero volatility")
    inverse = variance**-0.5
    weights: Weights = inverse / inverse.sum()
    return weights


def equal_weight(problem: Problem) -> Weights:
    """Weight all names equally."""
    names = len(problem.covariance)
    return np.full(names, 1 / names)


OPTIMIZERS: Mapping[str, Callable[[Problem], Weights]] = {
    "max_sharpe": max_sharpe,
    "min_volatility": min_volatility,
    "hrp": hrp,
    "inverse_volatility": inverse_volatility,
    "equal_weight": equal_weight,
}
NEED_A_RANKING = frozenset({"max_sharpe"})


def optimize(method: str, problem: Problem) -> Weights:
    """Run one method; reject weights that are not finite, negative, all zero, or sum to more than 1."""
    if method not in OPTIMIZERS:
        raise _infeasible(f"there is no such optimizer (only {', '.join(OPTIMIZERS)})")
    if not (np.isfinite(problem.expected_returns).all() and np.isfinite(problem.covariance).all()):
        raise _infeasible("expected returns or covariances are not finite")
    weights = OPTIMIZERS[method](problem)
    if weights.shape != problem.expected_returns.shape or not np.isfinite(weights).all():
        raise _infeasible("the weights are not finite numbers")
    if weights.min() < -1e-6 or weights.sum() > 1 + 1e-6:
        raise _infeasible("the weights are negative or sum to more than 1")
    if weights.max() < 1e-6:
        raise _infeasible("all weights are zero")
    return np.where(weights < NOISE / len(weights), 0.0, weights)


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
        raise _infeasible(f"the limits contradict each other ({answer.message})")
    return float(-answer.fun)


def _shares(problem: Problem) -> tuple[float, Rows]:
    """Return the budget, and the limits on shares of it, which sum to 1, as `matrix @ shares <= bounds`."""
    names = len(problem.expected_returns)
    budget = largest_budget(problem.limits, names) * (1 - BUDGET_SLACK)
    if not budget > 0:
        raise _infeasible("the limits leave no room for any name")
    matrix, bounds = _as_rows(problem.limits, names)
    each = np.eye(names)
    largest = np.full(names, min(problem.limits.max_position / budget, 1.0))
    return budget, (
        np.vstack([-each, each, matrix]),
        np.concatenate([np.zeros(names), largest, bounds / budget]),
    )


def _solved(problem: Problem, equal: Rows, at_most: Rows) -> Vector:
    try:
        return minimise_variance(
            problem.covariance, equal, at_most, max_iterations=problem.solver_max_iterations
        )
    except NoSolution as error:
        raise _infeasible(str(error)) from error


def _as_rows(limits: Limits, names: int) -> tuple[Matrix, Vector]:
    """Return the limits on sums of weights as `matrix @ weights <= bounds`; exposure is applied afterwards."""
    rows = [group.members.astype(float) for group in limits.groups]
    for one, other, _ in limits.pairs:
        row = np.zeros(names)
        row[[one, other]] = 1.0
        rows.append(row)
    bounds = [group.limit for group in limits.groups] + [limits.max_position] * len(limits.pairs)
    return np.array(rows).reshape(len(rows), names), np.array(bounds)


@contextmanager
def _failures_named() -> Iterator[None]:
    """Convert a library's errors and warnings to InfeasibleError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            yield
    except (UserWarning, ValueError, ArithmeticError, TypeError) as error:
        raise _infeasible(str(error) or type(error).__name__) from error


def _infeasible(why: str) -> InfeasibleError:
    return InfeasibleError(f"{why}.", remedy="The next rung of the ladder is tried.")
