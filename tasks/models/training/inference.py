"""The standard error and t of a mean over sessions whose returns overlap.

Long windows have the standard error of Newey and West (1987), with a bandwidth of 1.3 √T sessions (Lazarus, Lewis,
Stock and Watson 2018) and at least three horizons, times the fixed-b correction of Kiefer and Vogelsang (2005) at 5%:
with so wide a bandwidth, the standard error is itself uncertain, and the uncorrected t would exceed 2 too often.

In short windows no bandwidth is wide enough. In 10 sessions of overlapping 21-session returns, every value shares most
of its return with all others, and the test above rejects a true mean of zero in 54% of samples. In such windows the
standard error is estimated from the low-frequency cosine coefficients (Müller 2004; Lazarus and others 2018), each
divided by the variance that overlap alone would give it. The quantile is that of Student's t with as many degrees of
freedom as there are coefficients.

The alternative, Student's t on values a horizon apart, has more power at a horizon of one session and, from 42 sessions
on, at a horizon of five. But it needs at least two such values, uses only every horizon-th session, and has too high a
false-positive rate at a horizon of one session under a mild autocorrelation. Where one method takes over from the
other, the interval jumps: docs/monitoring.md has the measured sizes.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

Vector = NDArray[np.float64]

BAND_T = 1.96  # of a 95% confidence interval
LONG_SESSIONS, LONG_HORIZONS = 252, 25  # a long window has as many sessions, and as many horizons


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error; t is 0 where the standard error is.

    The standard error is scaled so that 1.96 of it are half of the 95% confidence interval, whatever the degrees of
    freedom: so t can be compared with 1.96.
    """

    mean: float
    error: float
    degrees: float = inf  # of freedom; infinite: t has the quantiles of a normal distribution

    @property
    def t(self) -> float:
        return self.mean / self.error if self.error else 0.0

    @property
    def low(self) -> float:
        """Lower end of the 95% confidence interval."""
        return self.mean - BAND_T * self.error

    @property
    def high(self) -> float:
        return self.mean + BAND_T * self.error

    @property
    def p_value(self) -> float:
        """Two-sided, of a mean of zero; 1 where there is no standard error."""
        if self.degrees == inf:
            return float(2 * ndtr(-abs(self.t)))
        return float(2 * stdtr(self.degrees, -abs(self.t) * _student(self.degrees) / BAND_T))


def estimate(values: Vector, *, overlap: int) -> Estimate:
    """Return mean and standard error of session values, oldest first; `overlap` is the horizon in sessions.

    Returns over n sessions share n − 1 of them with the next; over one session they share none. Values that vary more
    independently than that, or that are mildly autocorrelated besides, are allowed for.
    """
    count = len(values)
    if count < 2:
        return Estimate(float(values.mean()) if count else 0.0, 0.0)
    mean, centred = float(values.mean()), values - values.mean()
    variance = float(centred @ centred) / (count - 1)
    if variance <= 1e-24:  # all values are equal
        return Estimate(mean, 0.0)
    if count < max(LONG_SESSIONS, LONG_HORIZONS * overlap):
        weights = _cosines(count, overlap)
        degrees = len(weights)
        error = sqrt(float(np.square(weights @ values).mean()))
        return Estimate(mean, error * _student(degrees) / BAND_T, degrees)
    width = max(ceil(1.3 * sqrt(count)), 3 * overlap)
    products = [float(centred[ahead:] @ centred[: count - ahead]) for ahead in range(width)]
    weights = 1 - np.arange(width) / width
    long_run = (2 * float(weights @ products) - products[0]) / (count - 1)
    return Estimate(mean, sqrt(max(long_run, 0.0) / count) * _fixed_b(width / count))


def _student(degrees: float) -> float:
    """Return the quantile of Student's t that bounds 95% on both sides."""
    return float(stdtrit(degrees, 0.975))


@lru_cache(maxsize=64)
def _cosines(count: int, overlap: int) -> NDArray[np.float64]:
    """Return the weights of the cosine coefficients, each with the variance of the mean of overlapping white noise.

    As many as Lazarus and others (2018) recommend, 0.4 T^⅔, but none that is faster than the overlap.
    """
    number = max(1, min(round(0.4 * count ** (2 / 3)), count // overlap))
    places = np.arange(1, number + 1)[:, None] * (np.arange(count) + 0.5)
    cosines = np.cos(np.pi * places / count)
    deviations = [_deviation(each, overlap) for each in cosines]
    scaled = cosines * (_deviation(np.full(count, 1 / count), overlap) / np.array(deviations))[:, None]
    scaled.flags.writeable = False
    return np.asarray(scaled, dtype=np.float64)


def _deviation(weights: Vector, overlap: int) -> float:
    """Return the standard deviation of a weighted sum of values that overlap: each sums `overlap` steps."""
    return float(np.linalg.norm(np.convolve(weights, np.ones(overlap))))


def _fixed_b(bandwidth_frac: float) -> float:
    """Return Kiefer and Vogelsang's (2005) critical value for the Bartlett kernel, divided by the normal one."""
    b = bandwidth_frac
    return (1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) / 1.9600
