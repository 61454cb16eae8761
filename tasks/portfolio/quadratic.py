"""Minimise a portfolio's variance under linear constraints, with the interior-point solver Clarabel.

The solver is handed its standard form without a modelling library: importing one and building with it takes a tenth of
a day's processor time, and gives these very matrices. Decides nothing: what is asked for and what a failure means is in
tasks/portfolio/optimizers.py. Limited by iterations, never by seconds: a loaded machine must not change a portfolio.
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
    """Return the x with `equal` exact and `at_most` kept whose first variables have the least variance.

    `covariance` is symmetric; the constraints may have more variables than it has names: those cost nothing. Equal
    inputs give equal bytes. Raises NoSolution when no answer is accurate within the iterations, or there is none.
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
        raise NoSolution(f"the solver was not accurate within {max_iterations} iterations")
    if status != SOLVED:
        raise NoSolution(f"the solver ended with {status}")
    return np.array(answer.x)
