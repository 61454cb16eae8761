"""Equalize the names' contributions to the portfolio's variance (Maillard, Roncalli and Teïletche, 2010).

The weights are proportional to the x > 0 with the least ½ x'Cx − Σ log x, which Newton's method finds with damped
steps (Spinu, 2013). Damping makes it converge from any start, since the function is self-concordant.
"""

from typing import Any

import numpy as np

from tasks.core.threads import one_thread
from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import (
    Covariance,
    Problem,
    Vector,
    covariance_with_equal_weights,
    deviations,
    infeasible,
)
from tasks.risk.covariance import FactorCovariance

CLOSE = 0.25  # decrement from which full steps converge quadratically
CONVERGED = 1e-10


def risk_parity(problem: Problem) -> Weights:
    """Weight the names so that each contributes the same risk: weight × covariance with the portfolio."""
    volatilities = deviations(problem)
    with one_thread():
        x = _equal_contributions(
            _correlation(problem.covariance, volatilities), max_iterations=problem.solver_max_iterations
        )
    unscaled = x / volatilities
    weights: Weights = unscaled / unscaled.sum()
    return weights


def _equal_contributions(correlation: Covariance, *, max_iterations: int) -> Vector:
    total = covariance_with_equal_weights(correlation)
    if not total.mean() > 0:
        raise infeasible("the covariance is not positive definite")
    x = np.full(len(total), (len(total) * total.mean()) ** -0.5)
    for _ in range(max_iterations):
        gradient = _times(correlation, x) - 1 / x
        try:
            step = _solved(correlation, x**-2.0, gradient)
        except np.linalg.LinAlgError as error:  # names that hedge each other perfectly grow without bound
            raise infeasible("the covariance is not positive definite") from error
        decrement = float(np.sqrt(max(gradient @ step, 0.0)))
        x = x - step / (1.0 if decrement < CLOSE else 1.0 + decrement)
        if decrement < CONVERGED:
            return x
        if not (x > 0).all():
            raise infeasible("the covariance is not positive definite")
    raise infeasible(f"risk parity did not converge within {max_iterations} iterations")


def _solved(covariance: Covariance, diagonal: Vector, right: Vector) -> Vector:
    """Solve (covariance + diag(diagonal)) @ x = right; in factor form by the formula of Woodbury."""
    if not isinstance(covariance, FactorCovariance):
        solved: Vector = np.linalg.solve(covariance + np.diag(diagonal), right).astype(np.float64, copy=False)
        return solved
    loadings, total = covariance.loadings, covariance.specific + diagonal
    scaled = loadings / total[:, None]
    core = np.eye(loadings.shape[1]) + loadings.T @ scaled
    found: Vector = right / total - scaled @ np.linalg.solve(core, loadings.T @ (right / total))
    return found


def _times(covariance: Covariance, x: Vector) -> Any:
    if isinstance(covariance, FactorCovariance):
        return covariance.loadings @ (covariance.loadings.T @ x) + covariance.specific * x
    return covariance @ x


def _correlation(covariance: Covariance, volatilities: Vector) -> Covariance:
    if isinstance(covariance, FactorCovariance):
        return FactorCovariance(
            covariance.loadings / volatilities[:, None], covariance.specific / volatilities**2
        )
    correlation: Covariance = covariance / np.outer(volatilities, volatilities)
    return correlation
