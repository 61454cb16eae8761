"""The standard error and t of a mean over sessions whose returns overlap."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

BAND_T = 1.96  # of a 95% confidence interval


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error; t is 0 where the error is."""

    mean: float
    error: float

    @property
    def t(self) -> float:
        return self.mean / self.error if self.error else 0.0


def estimate(values: Vector, *, overlap: int) -> Estimate:
    """Return mean and standard error of session values, oldest first; `overlap` is the horizon in sessions.

    Returns over one session do not overlap: the standard error is the ordinary one. Returns over n sessions share n − 1
    of them with the next: the standard error is that of Newey and West (1987), with a bandwidth of 1.3 √T sessions
    (Lazarus, Lewis, Stock and Watson 2018) and at least three horizons, times the fixed-b correction of Kiefer and
    Vogelsang (2005) at 5%: with so wide a bandwidth, the estimated error is itself uncertain, and the uncorrected t
    would exceed 2 too often. So t can be compared with the quantiles of a normal distribution.
    """
    count = len(values)
    if count < 2:
        return Estimate(float(values.mean()) if count else 0.0, 0.0)
    mean, centred = float(values.mean()), values - values.mean()
    variance = float(centred @ centred) / (count - 1)
    if variance <= 1e-24:  # all values are equal
        return Estimate(mean, 0.0)
    if overlap == 1:
        return Estimate(mean, sqrt(variance / count))
    width = min(max(ceil(1.3 * sqrt(count)), 3 * overlap), count)
    products = [float(centred[ahead:] @ centred[: count - ahead]) for ahead in range(width)]
    weights = 1 - np.arange(width) / width
    long_run = (2 * float(weights @ products) - products[0]) / (count - 1)
    return Estimate(mean, sqrt(max(long_run, 0.0) / count) * _fixed_b(width / count))


def band(mean: float, error: float) -> tuple[float, float]:
    """Return the 95% confidence interval."""
    return mean - BAND_T * error, mean + BAND_T * error


def _fixed_b(bandwidth_frac: float) -> float:
    """Return Kiefer and Vogelsang's (2005) critical value for the Bartlett kernel, divided by the normal one."""
    b = bandwidth_frac
    return (1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) / 1.9600
