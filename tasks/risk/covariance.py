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

from config.sections import Risk
from tasks.core.threads import one_thread
from tasks.data.schema.records import Mask, Matrix

Places = NDArray[np.intp]  # of some names among all, ascending

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
        with one_thread():  # bit-identical on any number of cores
            common = self.loadings @ self.loadings.T
        matrix: Matrix = common + np.diag(self.specific)
        return matrix


def estimable(returns: Matrix, *, min_history_frac: float) -> Mask:
    """Return which names (columns) have enough returns in the window and more than one non-zero return."""
    if returns.shape[0] < MIN_RETURNS:
        return np.zeros(returns.shape[1], dtype=bool)
    from tasks.risk.gaps import count_returns

    finite, moved = count_returns(returns)
    enough = finite >= max(MIN_RETURNS, min_history_frac * len(returns))
    known: Mask = enough & (moved > 1)
    return known


def estimate_shrinkage(centred: Matrix) -> Shrinkage:
    """Return the Ledoit-Wolf shrinkage of `estimable` names towards their mean variance.

    `centred`: sessions × names, from `centred_returns`; without names the shrinkage is zero. Equals
    `sklearn.covariance.ledoit_wolf`, but takes the sum of squares from the sessions × sessions matrix instead of the
    names × names one. A near-singular covariance is repaired by a larger diagonal.
    """
    sessions, names = centred.shape
    if names == 0:
        return UNSHRUNK
    with one_thread():  # bit-identical on any number of cores
        gram = centred @ centred.T
        squares_of_covariance = float(np.vdot(gram, gram)) / sessions**2
    squares = np.diagonal(gram)  # the sum of squared returns of each session
    mean_variance = float(squares.sum()) / sessions / names
    spread = (
        squares_of_covariance / names - mean_variance**2
    )  # mean squared distance from the shrinkage target
    noise = (float((squares**2).sum()) / sessions - squares_of_covariance) / names / sessions
    intensity = min(noise, spread) / spread if names > 1 and min(noise, spread) != 0 else 0.0
    diagonal = intensity * mean_variance
    lift = _lift(centred, intensity, diagonal, floor=SINGULAR_BELOW * mean_variance)
    return Shrinkage(intensity, diagonal + lift, is_repaired=lift > 0)


@dataclass(frozen=True)
class Estimator:
    """The inputs from which the covariance of any subset of names is computed."""

    centred: Matrix  # sessions × names: daily returns without gaps, less their means
    shrinkage: Shrinkage
    factors: int  # 0: none, the sample covariance is shrunk

    def among(self, chosen: Places) -> Matrix:
        """Return the daily covariance of the names at these columns."""
        if self.factors:
            form = estimate_factors(self.centred, self.factors)
            matrix = FactorCovariance(form.loadings[chosen], form.specific[chosen]).matrix()
        else:
            centred = self.centred[:, chosen]
            with one_thread():
                sample = centred.T @ centred / max(len(centred), 1)
            diagonal = self.shrinkage.diagonal * np.eye(len(chosen))
            matrix = (1 - self.shrinkage.intensity) * sample + diagonal
        symmetric: Matrix = (matrix + matrix.T) / 2
        return symmetric


def estimator_of(returns: Matrix, settings: Risk) -> Estimator:
    """Return the estimator in the settings for `estimable` names. `returns`: sessions × names, NaN where missing."""
    centred = centred_returns(returns)
    if settings.covariance == "factor_model":
        return Estimator(centred, UNSHRUNK, settings.factors)
    return Estimator(centred, estimate_shrinkage(centred), 0)


def covariance_of(
    returns: pd.DataFrame, names: Iterable[str], shrinkage: Shrinkage, *, factors: int = 0
) -> pd.DataFrame:
    """Return the covariance (daily) of a subset of the estimated names, by symbol.

    `returns` of all estimated names, columns by symbol; `names` not among them are omitted. By statistical factors of
    all estimated names if `factors` is positive, else the shrunk sample covariance.
    """
    places = np.flatnonzero(returns.columns.isin(list(names)))
    chosen = returns.columns[places]
    centred = centred_returns(returns.to_numpy(dtype=np.float64))
    return pd.DataFrame(Estimator(centred, shrinkage, factors).among(places), index=chosen, columns=chosen)


def estimate_factors(centred: Matrix, factors: int) -> FactorCovariance:
    """Return the daily covariance of `estimable` names by the principal components of their standardized returns.

    `centred`: sessions × names, from `centred_returns`. The noise in the components' variances, estimated from the
    other components, is subtracted (Wang and Fan, 2017, S-POET); variances remain the sample's. There are at most a
    third as many factors as names or sessions.
    """
    sessions, names = centred.shape
    deviation = np.sqrt((centred**2).mean(axis=0)) if names else np.zeros(0)
    kept = min(factors, names // 3, sessions // 3)
    with one_thread():  # bit-identical on any number of cores
        standard = centred / deviation
        variances, components = np.linalg.eigh(standard @ standard.T / sessions)
        variances, components = variances[::-1][:kept], components[:, ::-1][:, :kept]
        loadings = standard.T @ components / np.sqrt(sessions)
    if kept:
        noise = (names - variances.sum()) / (sessions * (1 - kept / names) - kept)
        loadings *= np.sqrt(np.maximum(1 - noise / variances, 0.0))
    specific = np.maximum(1 - (loadings**2).sum(axis=1), LEAST_SPECIFIC)
    return FactorCovariance(loadings * deviation[:, None], specific * deviation**2)


def centred_returns(returns: Matrix) -> Matrix:
    """Return the returns with their gaps filled, less each name's mean."""
    centred = np.asfortranarray(fill_gaps(returns))  # sums depend on the layout in their last bits
    centred -= centred.mean(axis=0)
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
    """Fill each gap with the session's common move, scaled to the name; the name's mean and variance do not change.

    Names without gaps are unchanged.
    """
    from tasks.risk.gaps import fill_in_place

    filled = np.array(returns, order="C")  # sums depend on the layout in their last bits
    fill_in_place(filled)
    return filled
