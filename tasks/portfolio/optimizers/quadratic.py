"""Minimise a portfolio's variance under linear constraints, with the interior-point solver Clarabel.

The problem is passed to the solver in standard form. A modelling library would produce the same matrices, but its
import and model building would take a tenth of a run's CPU time. mean_variance.py defines the problems and handles
failures. The limit is on iterations, not on seconds: a loaded machine must not change a portfolio.
"""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Rows = tuple[Matrix, Vector]  # constraints × variables, and the bound of each constraint

SOLVED = "Solved"
INACCURATE = frozenset({"AlmostSolved", "MaxIterations", "AlmostPrimalInfeasible", "AlmostDualInfeasible"})


class NoSolution(Exception):  # noqa: N818 - an outcome that the caller names, not an error of its own
    """The solver gave no accurate answer; the message says why."""


def minimise_variance(covariance: Matrix, equal: Rows, at_most: Rows, *, max_iterations: int) -> Vector:
    """Return the x with the least variance of its first variables that satisfies `equal` and `at_most`.

    `covariance` is symmetric. The constraints may have more variables than it has names; the additional ones do not
    add to the variance. Equal inputs give equal bytes. Raises NoSolution if the problem is infeasible or the solver
    does not reach the required accuracy within the iterations.
    """
    import clarabel
    from scipy import sparse

    names, variables = len(covariance), equal[0].shape[1]
    quadratic = np.zeros((variables, variables))
    quadratic[:names, :names] = np.triu(
        covariance + covariance.T
    )  # the solver halves it, and reads the upper half
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_iter = max_iterations
    settings.max_threads = 1  # more threads would add in another order
    answer = clarabel.DefaultSolver(
        sparse.csc_array(quadratic),
        np.zeros(variables),
        sparse.csc_array(np.vstack([equal[0], at_most[0]])),
        np.concatenate([equal[1], at_most[1]]),
        [clarabel.ZeroConeT(len(equal[1])), clarabel.NonnegativeConeT(len(at_most[1]))],
        settings,
    ).solve()
    status = str(answer.status)
    if status in INACCURATE:
        raise NoSolution(f"the solver did not reach the required accuracy within {max_iterations} iterations")
    if status != SOLVED:
        raise NoSolution(f"the solver ended with {status}")
    return np.array(answer.x)
