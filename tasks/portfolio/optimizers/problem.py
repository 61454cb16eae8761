"""Define the optimizers' input, and the error of a method that has no solution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.sections import Methods
from tasks.core.errors import InfeasibleError
from tasks.portfolio.limits import Limits
from tasks.risk.covariance import FactorCovariance

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Covariance = Matrix | FactorCovariance


@dataclass(frozen=True)
class Problem:
    """An optimizer's input. Returns and covariances are annual; returns are in excess of cash.

    The covariance is a symmetric matrix or, for hundreds of names and more, in factor form.
    """

    expected_returns: Vector
    covariance: Covariance
    limits: Limits
    solver_max_iterations: int
    methods: Methods  # the settings of single methods


def deviations(problem: Problem) -> Vector:
    """Return the annual volatilities. Raises InfeasibleError unless all of them are positive."""
    covariance = problem.covariance
    variances = covariance.variances if isinstance(covariance, FactorCovariance) else np.diag(covariance)
    if not (variances > 0).all():
        raise infeasible("a name has zero volatility")
    volatilities: Vector = np.sqrt(variances)
    return volatilities


def dense(covariance: Covariance) -> Matrix:
    """Return the covariance as a matrix."""
    return covariance.matrix() if isinstance(covariance, FactorCovariance) else covariance


def covariance_with_equal_weights(covariance: Covariance) -> Vector:
    """Return each name's covariance with the portfolio that holds all names equally; its mean is the variance."""
    if isinstance(covariance, FactorCovariance):
        common: Vector = (covariance.loadings * covariance.loadings.mean(axis=0)).sum(axis=1)
        return common + covariance.specific / len(covariance.specific)
    with_it: Vector = covariance.mean(axis=1)
    return with_it


def signals(problem: Problem) -> Vector:
    """Return the expected returns per unit of volatility: proportional to the names' standardized scores."""
    return problem.expected_returns / deviations(problem)


def is_finite(problem: Problem) -> bool:
    """Return whether all expected returns and covariances are finite numbers."""
    covariance = problem.covariance
    parts = (
        (covariance.loadings, covariance.specific)
        if isinstance(covariance, FactorCovariance)
        else (covariance,)
    )
    return all(np.isfinite(part).all() for part in (problem.expected_returns, *parts))


def infeasible(why: str) -> InfeasibleError:
    """Return the error to raise: `why` appears in the report, and the ladder tries the next method."""
    return InfeasibleError(f"{why}.", remedy="The fallback ladder tries the next method.")
