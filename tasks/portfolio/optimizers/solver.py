"""Pass the optimizers' convex problems to the interior-point solver Clarabel.

A modeling library would produce the same matrices, but its import and model building would take a tenth of a run's
CPU time. The limit is on iterations, not on seconds: a loaded machine must not change a portfolio. Equal inputs give
equal bytes. No state is kept between problems: updating an existing solver would save a sixth of the time (40 names:
0.66 ms instead of 0.79 ms), but it keeps the scaling of the first problem, so that weights would depend on earlier
problems (by 7e-6).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.risk.covariance import FactorCovariance

if TYPE_CHECKING:
    from scipy.sparse import csc_array

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.integer]

SOLVED = "Solved"
INACCURATE = frozenset({"AlmostSolved", "MaxIterations", "AlmostPrimalInfeasible", "AlmostDualInfeasible"})
LARGEST_GAP = (
    1e-7  # between the primal and the dual objective, as a fraction; the solver's own limit is absolute
)


class Rows(NamedTuple):
    """Linear constraints: the values of a sparse matrix with their places, and the bound of each row."""

    values: Vector
    rows: Places
    columns: Places
    bounds: Vector


def rows_of(matrix: Matrix, bounds: Vector) -> Rows:
    """Return the constraints of a dense matrix (constraints × variables)."""
    rows, columns = np.indices(matrix.shape)
    return Rows(matrix.ravel(), rows.ravel(), columns.ravel(), bounds)


def stacked(first: Rows, *others: Rows) -> Rows:
    """Return the constraints of all, in this order."""
    everything = (first, *others)
    starts = np.cumsum([0, *(len(rows.bounds) for rows in everything)])
    return Rows(
        np.concatenate([rows.values for rows in everything]),
        np.concatenate([rows.rows + start for rows, start in zip(everything, starts, strict=False)]),
        np.concatenate([rows.columns for rows in everything]),
        np.concatenate([rows.bounds for rows in everything]),
    )


class NoSolution(Exception):  # noqa: N818 - an outcome that the caller names, not an error of its own
    """The solver found no accurate solution; the message states why."""


def minimise_variance(
    covariance: Matrix | FactorCovariance,
    equal: Rows,
    at_most: Rows,
    *,
    variables: int,
    objective: float,
    max_iterations: int,
) -> Vector:
    """Return the x with the least variance of its first variables that satisfies `equal` and `at_most`.

    There may be more variables than names in the covariance; the additional ones do not add to the variance.
    `objective` is the variance's expected order of magnitude: the solver's tolerance is a fraction of it. Raises
    NoSolution if the problem is infeasible or the solver does not reach the required accuracy within the iterations.
    """
    import clarabel

    form = _quadratic_form(covariance, variables)
    constraints = stacked(equal, form.exposures, at_most)
    cones = [
        clarabel.ZeroConeT(len(equal.bounds) + len(form.exposures.bounds)),
        clarabel.NonnegativeConeT(len(at_most.bounds)),
    ]
    for _ in range(2):  # an objective far below its expected magnitude is scaled by what was found
        if not objective > 0:
            break
        quadratic = form.quadratic._replace(values=form.quadratic.values / objective)
        answer = _solve(quadratic, constraints, cones, max_iterations)
        if abs(answer.obj_val - answer.obj_val_dual) <= LARGEST_GAP * abs(answer.obj_val):
            return np.array(answer.x)[:variables]
        objective *= answer.obj_val
    raise NoSolution("the solver did not reach the required accuracy")


class _Form(NamedTuple):
    """½ z'Qz is the variance; in factor form z ends with the portfolio's exposures, defined by equalities."""

    quadratic: Rows  # its upper triangle, square; the bounds count for nothing
    exposures: Rows


def _quadratic_form(covariance: Matrix | FactorCovariance, variables: int) -> _Form:
    if isinstance(covariance, FactorCovariance):
        names, factors = covariance.loadings.shape
        loaded = rows_of(covariance.loadings.T, np.zeros(factors))
        each = np.arange(factors)
        places = np.append(np.arange(names), variables + each)
        return _Form(
            Rows(
                np.append(2 * covariance.specific, np.full(factors, 2.0)),
                places,
                places,
                np.zeros(variables + factors),
            ),
            Rows(
                np.append(loaded.values, -np.ones(factors)),
                np.append(loaded.rows, each),
                np.append(loaded.columns, variables + each),
                loaded.bounds,
            ),
        )
    columns, rows = np.tril_indices(len(covariance))
    values = (covariance + covariance.T)[rows, columns]
    return _Form(Rows(values, rows, columns, np.zeros(variables)), rows_of(np.empty((0, 0)), np.empty(0)))


def _by_column(rows: Rows, columns: int) -> "csc_array":
    """Return the sparse matrix without zeros: sorting here takes a third of the time of scipy's conversion."""
    from scipy.sparse import csc_array

    order = np.lexsort((rows.rows, rows.columns))
    order = order[rows.values[order] != 0]
    ends = np.cumsum(np.bincount(rows.columns[order], minlength=columns))
    return csc_array(
        (rows.values[order], rows.rows[order], np.append(0, ends)), shape=(len(rows.bounds), columns)
    )


def _solve(quadratic: Rows, constraints: Rows, cones: Sequence[Any], max_iterations: int) -> Any:
    import clarabel

    variables = len(quadratic.bounds)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_iter = max_iterations
    settings.max_threads = 1  # more threads would add in another order
    answer = clarabel.DefaultSolver(
        _by_column(quadratic, variables),
        np.zeros(variables),
        _by_column(constraints, variables),
        constraints.bounds,
        cones,
        settings,
    ).solve()
    status = str(answer.status)
    if status in INACCURATE:
        raise NoSolution(f"the solver did not reach the required accuracy within {max_iterations} iterations")
    if status != SOLVED:
        raise NoSolution(f"the solver ended with {status}")
    return answer
