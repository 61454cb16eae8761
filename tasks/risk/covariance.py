"""Estimate how names move together from a window of daily returns: Ledoit-Wolf, gaps filled without bias.

Never decides a weight, never reads a disk. A gap is not a return of zero: zero-filling makes a name look calm and
unrelated, which is the error an optimizer loves most. What stands in is the session's common move.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_RETURNS = 20  # fewer say nothing about a variance
SINGULAR_BELOW = 1e-8  # smallest eigenvalue as a share of the mean one


class Covariance(NamedTuple):
    """Covariance of daily returns, symmetric and positive definite."""

    matrix: Matrix
    shrinkage: float  # 0 is the sample covariance, 1 is the mean variance on the diagonal alone
    is_repaired: bool


def daily_returns(close: Matrix) -> Matrix:
    """Return simple returns, one row fewer than `close`; NaN where either close is missing or not positive."""
    priced = np.where(close > 0, close, np.nan)
    change: Matrix = priced[1:] / priced[:-1] - 1
    return change


def estimable(returns: Matrix, *, min_history_frac: float) -> Mask:
    """Say which names have enough returns in the window, and have moved at all."""
    if returns.shape[0] < MIN_RETURNS:
        return np.zeros(returns.shape[1], dtype=bool)
    present = np.isfinite(returns)
    enough = present.sum(axis=0) >= max(MIN_RETURNS, min_history_frac * len(returns))
    seen = np.where(present, returns, 0.0)
    has_moved: Mask = (seen != 0).sum(axis=0) > 1
    known: Mask = enough & has_moved
    return known


def estimate_covariance(returns: Matrix) -> Covariance:
    """Return the Ledoit-Wolf covariance of names that are `estimable`. No names give an empty matrix."""
    if returns.shape[1] == 0:
        return Covariance(np.empty((0, 0)), 0.0, is_repaired=False)

    from sklearn.covariance import ledoit_wolf
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # as fast for a few hundred names, and equal to the bit on any number of cores
        shrunk, shrinkage = ledoit_wolf(fill_gaps(returns))
        matrix, is_repaired = repair_singular(shrunk)
    return Covariance(matrix, float(shrinkage), is_repaired)


def fill_gaps(returns: Matrix) -> Matrix:
    """Fill each gap with the session's common move at the name's own scale; means and variances stay as observed.

    Without gaps the returns come back as they are.
    """
    missing = ~np.isfinite(returns)
    if not missing.any():
        return returns
    gapped = np.where(missing, np.nan, returns)
    mean, deviation = np.nanmean(gapped, axis=0), np.nanstd(gapped, axis=0)
    standard = (gapped - mean) / deviation
    present = (~missing).sum(axis=1)
    common = np.nansum(standard, axis=1) / np.maximum(present, 1)  # 0 on a session that nobody traded
    filled = np.where(missing, common[:, None], standard)
    restored: Matrix = mean + deviation * (filled - filled.mean(axis=0)) / filled.std(axis=0)
    return restored


def repair_singular(covariance: Matrix) -> tuple[Matrix, bool]:
    """Lift the diagonal of a singular matrix until it can be inverted; say whether that was needed."""
    symmetric = (covariance + covariance.T) / 2
    unit = np.eye(len(symmetric))
    floor = SINGULAR_BELOW * float(np.trace(symmetric)) / len(symmetric)
    try:
        np.linalg.cholesky(
            symmetric - floor * unit
        )  # a tenth of the time of eigenvalues, needed only for a repair
    except np.linalg.LinAlgError:
        smallest = float(np.linalg.eigvalsh(symmetric)[0])
        return symmetric + unit * (2 * floor - min(smallest, floor)), True
    return symmetric, False
