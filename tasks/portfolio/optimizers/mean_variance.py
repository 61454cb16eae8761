"""Optimize expected return and variance under the limits: max Sharpe and minimum volatility."""

import numpy as np

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.constraints import shares_of_budget
from tasks.portfolio.optimizers.problem import (
    Problem,
    Vector,
    covariance_with_equal_weights,
    infeasible,
)
from tasks.portfolio.optimizers.solver import NoSolution, Rows, minimise_variance, rows_of, stacked

TINY_RETURN = (
    1e-5  # a year; the solver's tolerances are absolute, and its variables are inverse to the returns
)
DECIMALS = 16  # of a share of the budget; smaller digits are solver noise


def max_sharpe(problem: Problem) -> Weights:
    """Maximize expected excess return over volatility."""
    expected = problem.expected_returns
    if not expected.max() > 0:
        raise infeasible("no name is expected to beat cash")
    if expected.max() < TINY_RETURN:
        expected = expected / expected.max()
    budget, (values, rows, columns, bounds) = shares_of_budget(problem)
    names = len(expected)
    # the ratio does not change with the scale, so the return is held at 1; the last variable is what the shares sum to
    equal = np.vstack([np.append(expected, 0.0), np.append(np.ones(names), -1.0)])
    positive = rows_of(-np.eye(1, names + 1, names), np.zeros(1))
    scaled = Rows(
        np.append(values, -bounds),
        np.append(rows, np.arange(len(bounds))),
        np.append(columns, np.full(len(bounds), names)),
        np.zeros(len(bounds)),
    )
    x = _solved(problem, rows_of(equal, np.array([1.0, 0.0])), stacked(positive, scaled), names + 1)
    weights: Weights = budget * (x[:-1] / x[-1]).round(DECIMALS)
    return weights


def min_volatility(problem: Problem) -> Weights:
    """Minimize volatility; scores matter only for the choice of names."""
    budget, limits = shares_of_budget(problem)
    names = len(problem.expected_returns)
    usual = float(covariance_with_equal_weights(problem.covariance).mean())
    x = _solved(problem, rows_of(np.ones((1, names)), np.ones(1)), limits, names, objective=usual)
    return budget * x.round(DECIMALS)


def _solved(
    problem: Problem, equal: Rows, at_most: Rows, variables: int, *, objective: float = 1.0
) -> Vector:
    try:
        return minimise_variance(
            problem.covariance,
            equal,
            at_most,
            variables=variables,
            objective=objective,
            max_iterations=problem.solver_max_iterations,
        )
    except NoSolution as error:
        raise infeasible(str(error)) from error
