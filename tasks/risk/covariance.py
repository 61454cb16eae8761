"""Estimate the covariance of daily returns by Ledoit-Wolf shrinkage or by statistical factors; fill gaps without bias.

Filling gaps with zero would understate a name's variance and correlation, which optimizers exploit. They are filled
with the session's common move instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from config.sections import Risk
from tasks.data.schema.records import Mask, Matrix

MIN_RETURNS = 20  # the fewest from which a variance is estimated
LEAST_SPECIFIC = 0.01  # of a name's variance: no name is explained by factors alone
SINGULAR_BELOW = 1e-8  # smallest eigenvalue as a share of the mean one


class Shrinkage(NamedTuple):
    """Shrinks a sample covariance: (1 − intensity) × sample + diagonal."""

    intensity: float  # 0 is the sample covariance, 1 is the mean variance on the diagonal alone
    diagonal: float  # added to each variance: intensity × mean variance, plus any repair
    is_repaired: bool


UNSHRUNK = Shrinkage(0.0, 0.0, is_repaired=False)


@dataclass(frozen=True)
class FactorCovariance:
    """A covariance in factor form: loadings @ loadings.T + diag(specific).

    An optimizer's time grows with the number of names instead of its cube.
    """

    loadings: Matrix  # names × factors
    specific: NDArray[np.float64]  # variance of each name that no factor explains

    @property
    def variances(self) -> NDArray[np.float64]:
        """Return the diagonal."""
        diagonal: NDArray[np.float64] = self.specific + (self.loadings**2).sum(axis=1)
        return diagonal

    def matrix(self) -> Matrix:
        """Return the whole matrix, names × names."""
        with threadpool_limits(1):  # bit-identical on any number of cores
            common = self.loadings @ self.loadings.T
        matrix: Matrix = common + np.diag(self.specific)
        return matrix


def estimable(returns: Matrix, *, min_history_frac: float) -> Mask:
    """Return which names (columns) have enough returns in the window and more than one non-zero return."""
    if returns.shape[0] < MIN_RETURNS:
        return np.zeros(returns.shape[1], dtype=bool)
    present = np.isfinite(returns)
    enough = present.sum(axis=0) >= max(MIN_RETURNS, min_history_frac * len(returns))
    seen = np.where(present, returns, 0.0)
    has_moved: Mask = (seen != 0).sum(axis=0) > 1
    known: Mask = enough & has_moved
    return known


def estimate_shrinkage(returns: Matrix) -> Shrinkage:
    """Return the Ledoit-Wolf shrinkage of `estimable` names towards their mean variance.

    `returns`: sessions × names, NaN where missing; without names the shrinkage is zero. Equals
    `sklearn.covariance.ledoit_wolf`, but takes the sum of squares from the sessions × sessions matrix instead of the
    names × names one. A near-singular covariance is repaired by a larger diagonal.
    """
    sessions, names = returns.shape
    if names == 0:
        return Shrinkage(0.0, 0.0, is_repaired=False)
    centred = _centred(returns)
    square = centred**2
    mean_variance = float(square.sum()) / sessions / names
    with threadpool_limits(1):  # bit-identical on any number of cores
        gram = centred @ centred.T
    squares_of_covariance = float((gram**2).sum()) / sessions**2
    spread = (
        squares_of_covariance / names - mean_variance**2
    )  # mean squared distance from the shrinkage target
    noise = (float((square.sum(axis=1) ** 2).sum()) / sessions - squares_of_covariance) / names / sessions
    intensity = min(noise, spread) / spread if names > 1 and min(noise, spread) != 0 else 0.0
    diagonal = intensity * mean_variance
    lift = _lift(centred, intensity, diagonal, floor=SINGULAR_BELOW * mean_variance)
    return Shrinkage(intensity, diagonal + lift, is_repaired=lift > 0)


def estimator_of(returns: Matrix, settings: Risk) -> tuple[Shrinkage, int]:
    """Return the shrinkage and the number of factors of the estimator in the settings; 0 factors: none."""
    if settings.covariance == "factor_model":
        return UNSHRUNK, settings.factors
    return estimate_shrinkage(returns), 0


def covariance_of(
    returns: pd.DataFrame, names: Iterable[str], shrinkage: Shrinkage, *, factors: int = 0
) -> pd.DataFrame:
    """Return the covariance (daily) of a subset of the estimated names, by symbol.

    `returns` of all estimated names, columns by symbol; `names` not among them are omitted. By statistical factors of
    all estimated names if `factors` is positive, else the shrunk sample covariance.
    """
    is_chosen = returns.columns.isin(list(names))
    chosen = returns.columns[is_chosen]
    values = returns.to_numpy(dtype=np.float64)
    if factors:
        form = estimate_factors(values, factors=factors)
        matrix = FactorCovariance(form.loadings[is_chosen], form.specific[is_chosen]).matrix()
    else:
        centred = _centred(values)[:, is_chosen]
        with threadpool_limits(1):
            sample = centred.T @ centred / max(len(centred), 1)
        matrix = (1 - shrinkage.intensity) * sample + shrinkage.diagonal * np.eye(len(chosen))
    return pd.DataFrame((matrix + matrix.T) / 2, index=chosen, columns=chosen)


def estimate_factors(returns: Matrix, *, factors: int) -> FactorCovariance:
    """Return the daily covariance of `estimable` names by the principal components of their standardised returns.

    `returns`: sessions × names, NaN where missing. The noise in the components' variances, estimated from the other
    components, is subtracted (Wang and Fan, 2017, S-POET); variances stay those of the sample. There are at most
    a third as many factors as names or sessions.
    """
    centred = _centred(returns)
    sessions, names = centred.shape
    deviation = np.sqrt((centred**2).mean(axis=0)) if names else np.zeros(0)
    kept = min(factors, names // 3, sessions // 3)
    with threadpool_limits(1):  # bit-identical on any number of cores
        standard = centred / deviation
        variances, components = np.linalg.eigh(standard @ standard.T / sessions)
        variances, components = variances[::-1][:kept], components[:, ::-1][:, :kept]
        loadings = standard.T @ components / np.sqrt(sessions)
    if kept:
        noise = (names - variances.sum()) / (sessions * (1 - kept / names) - kept)
        loadings *= np.sqrt(np.maximum(1 - noise / variances, 0.0))
    specific = np.maximum(1 - (loadings**2).sum(axis=1), LEAST_SPECIFIC)
    return FactorCovariance(loadings * deviation[:, None], specific * deviation**2)


def _centred(returns: Matrix) -> Matrix:
    filled = fill_gaps(returns)
    centred: Matrix = filled - filled.mean(axis=0)
    return centred


def _lift(centred: Matrix, intensity: float, diagonal: float, *, floor: float) -> float:
    """Return the increase of the diagonal that lifts the smallest eigenvalue to the floor; usually 0.

    The sample's smallest eigenvalue is 0 if there are more names than sessions.
    """
    if diagonal >= floor:
        return 0.0
    sessions, names = centred.shape
    least = 0.0 if names >= sessions else float(np.linalg.eigvalsh(centred.T @ centred / sessions)[0])
    smallest = (1 - intensity) * max(least, 0.0) + diagonal
    return 2 * floor - smallest if smallest < floor else 0.0


def fill_gaps(returns: Matrix) -> Matrix:
    """Fill each gap with the session's common move, scaled to the name; its mean and variance stay as observed.

    Without gaps `returns` is returned unchanged.
    """
    missing = ~np.isfinite(returns)
    if not missing.any():
        return returns
    gapped = np.where(missing, np.nan, returns)
    mean, deviation = np.nanmean(gapped, axis=0), np.nanstd(gapped, axis=0)
    standard = (gapped - mean) / deviation
    present = (~missing).sum(axis=1)
    common = np.nansum(standard, axis=1) / np.maximum(present, 1)  # 0 on a session without trades
    filled = np.where(missing, common[:, None], standard)
    restored: Matrix = mean + deviation * (filled - filled.mean(axis=0)) / filled.std(axis=0)
    return restored
