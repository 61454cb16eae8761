"""Tests that are repeated as sessions arrive: the threshold of a weekly look, and always-valid inference.

A weekly selection tests nearly the same sessions again and again. `look_threshold` is alpha spending over fresh
sessions (Lan and DeMets 1983): the t of a window of W sessions that moves forward crosses a level c at the rate c φ(c)
/ W per session (Slepian 1961; exact for a normal mean as c grows), times `ROUGHNESS`, because models are retrained
every month and another candidate may be selected. The alpha spent by n sessions after the first look is a + b ln(1 + n
/ W).

`e_values` and `confidence_radius` are valid at all sessions simultaneously, however often the test is repeated.
"""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Vector = NDArray[np.float64]

FIVE_YEARS = 1260  # sessions
ROUGHNESS = 3.0  # measured: ADR 21
LARGEST_T = 12.0


def look_threshold(elapsed: int, *, window: int, level: float, least: float) -> float:
    """Return the t that a look requires, `elapsed` sessions after the first one.

    `level`: the probability of crossing at any look within five years without a signal; `window`: the sessions that t
    is measured on; `least`: the threshold of the first look, raised if it would spend more than half the level.
    """
    first = min(float(norm.sf(least)), level / 2)
    lowest = float(norm.isf(first))
    if elapsed <= 0:
        return lowest
    rate = (level - first) / log(1 + FIVE_YEARS / window) / (window + elapsed)
    wanted = rate * window / ROUGHNESS
    if wanted >= norm.pdf(1.0):  # the rate of c = 1, the largest there is
        return lowest
    found = float(brentq(lambda t: t * norm.pdf(t) - wanted, 1.0, LARGEST_T))
    return max(found, lowest)


def e_values(values: Vector, *, bet: float) -> Vector:
    """Return the e-process of the null hypothesis that values of at least −1 have means of at most 0.

    The probability that it ever reaches 1 / α is at most α (Ville 1939). `bet`, at most 1: the fraction that is put on
    each value.
    """
    return np.asarray(np.cumprod(1 + bet * values))


def confidence_radius(count: int, *, deviation: float, level: float, scale: float = 1.0) -> float:
    """Return the radius of a confidence sequence of a mean after `count` values (normal mixture, Robbins 1970).

    The mean is inside at every count at once with probability 1 − `level`. `deviation` is that of one value, or of the
    long run if values are correlated; the sequence is narrowest near 1 / `scale`² values in units of `deviation`.
    """
    spread = count * scale**2 + 1
    return deviation * sqrt(2 * spread / (count**2 * scale**2) * log(sqrt(spread) / level))
