"""Define the optimizers' input, and the error of a method that has no solution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InfeasibleError
from tasks.portfolio.limits import Limits

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """An optimizer's input. Returns and covariances are annual; returns are in excess of cash."""

    expected_returns: Vector
    covariance: Matrix
    limits: Limits
    solver_max_iterations: int


def deviations(problem: Problem) -> Vector:
    """Return the annual volatilities. Raises InfeasibleError unless all of them are positive."""
    variances = np.diag(problem.covariance)
    if not (variances > 0).all():
        raise infeasible("a name has zero volatility")
    volatilities: Vector = np.sqrt(variances)
    return volatilities


def infeasible(why: str) -> InfeasibleError:
    """Return the error to raise: `why` appears in the report, and the next rung of the ladder is tried."""
    return InfeasibleError(f"{why}.", remedy="The next rung of the ladder is tried.")
