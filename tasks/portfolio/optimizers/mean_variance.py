"""Optimize expected return and variance under the limits: max Sharpe and minimum volatility."""

import numpy as np

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.constraints import shares_of_budget
from tasks.portfolio.optimizers.problem import Problem, Vector, infeasible
from tasks.portfolio.optimizers.quadratic import NoSolution, Rows, minimise_variance

DECIMALS = 16  # of a share of the budget; smaller digits are solver noise


def max_sharpe(problem: Problem) -> Weights:
    """Maximise expected excess return over volatility."""
    if not problem.expected_returns.max() > 0:
        raise infeasible("no name is expected to beat cash")
    budget, rows = shares_of_budget(problem)
    names = len(problem.expected_returns)
    # the ratio does not change with the scale, so the return is fixed at 1; the last variable is the sum of the shares
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
    budget, rows = shares_of_budget(problem)
    names = len(problem.expected_returns)
    return budget * _solved(problem, (np.ones((1, names)), np.ones(1)), rows).round(DECIMALS)


def _solved(problem: Problem, equal: Rows, at_most: Rows) -> Vector:
    try:
        return minimise_variance(
            problem.covariance, equal, at_most, max_iterations=problem.solver_max_iterations
        )
    except NoSolution as error:
        raise infeasible(str(error)) from error
