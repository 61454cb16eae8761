"""Estimate how names move together from a window of daily returns: Ledoit-Wolf, gaps filled without bias.

Never decides a weight, never reads a disk. A gap is not a return of zero: zero-filling makes a name look calm and
unrelated, which is the error an optimizer loves most. What stands in is the session's common move.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_RETURNS = 20  # fewer say nothing about a variance
SINGULAR_BELOW = 1e-8  # smallest eigenvalue as a share of the mean one


class Shrinkage(NamedTuple):
    """What turns the sample covariance of some names into the shrunk one: (1 − intensity) × sample + diagonal."""

    intensity: float  # 0 is the sample covariance, 1 is the mean variance on the diagonal alone
    diagonal: float  # added to each variance: intensity × mean variance, and what a repair needs
    is_repaired: bool


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


def estimate_shrinkage(returns: Matrix) -> Shrinkage:
    """Return the Ledoit-Wolf shrinkage of names that are `estimable`, towards their mean variance.

    Equals `sklearn.covariance.ledoit_wolf`, without the matrix of names × names: what its squares sum to is read off
    the matrix of sessions × sessions. A covariance that could not be inverted is repaired by a larger diagonal.
    """
    sessions, names = returns.shape
    if names == 0:
        return Shrinkage(0.0, 0.0, is_repaired=False)
    centred = _centred(returns)
    square = centred**2
    mean_variance = float(square.sum()) / sessions / names
    with threadpool_limits(1):  # equal to the bit on any number of cores
        gram = centred @ centred.T
    squares_of_covariance = float((gram**2).sum()) / sessions**2
    spread = squares_of_covariance / names - mean_variance**2  # mean square of what is shrunk away
    noise = (float((square.sum(axis=1) ** 2).sum()) / sessions - squares_of_covariance) / names / sessions
    intensity = min(noise, spread) / spread if names > 1 and min(noise, spread) != 0 else 0.0
    diagonal = intensity * mean_variance
    lift = _lift(centred, intensity, diagonal, floor=SINGULAR_BELOW * mean_variance)
    return Shrinkage(intensity, diagonal + lift, is_repaired=lift > 0)


def covariance_of(returns: pd.DataFrame, names: Iterable[str], shrinkage: Shrinkage) -> pd.DataFrame:
    """Return the shrunk covariance of some of the names, as the estimate of all of them has it.

    `returns` are those of all the names that were estimated, by symbol; `names` without any there are left out.
    """
    is_chosen = returns.columns.isin(list(names))
    chosen = returns.columns[is_chosen]
    centred = _centred(returns.to_numpy(dtype=np.float64))[:, is_chosen]
    with threadpool_limits(1):
        sample = centred.T @ centred / max(len(centred), 1)
    matrix = (1 - shrinkage.intensity) * sample + shrinkage.diagonal * np.eye(len(chosen))
    return pd.DataFrame((matrix + matrix.T) / 2, index=chosen, columns=chosen)


def _centred(returns: Matrix) -> Matrix:
    filled = fill_gaps(returns)
    centred: Matrix = filled - filled.mean(axis=0)
    return centred


def _lift(centred: Matrix, intensity: float, diagonal: float, *, floor: float) -> float:
    """Return what the diagonal needs for the smallest eigenvalue to reach the floor; 0 nearly always.

    The sample's smallest eigenvalue is 0 where there are more names than sessions.
    """
    if diagonal >= floor:
        return 0.0
    sessions, names = centred.shape
    least = 0.0 if names >= sessions else float(np.linalg.eigvalsh(centred.T @ centred / sessions)[0])
    smallest = (1 - intensity) * max(least, 0.0) + diagonal
    return 2 * floor - smallest if smallest < floor else 0.0


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
