"""The significance of a Sharpe ratio, alone and as the best of many trials.

All Sharpe ratios are per observation; kurtosis is raw, not excess (3 for a normal distribution). Two conventions of the
probabilistic Sharpe ratio are in use:

- `2012` (Bailey and López de Prado): the variance of the estimate at the observed Sharpe ratio, over T − 1;
- `2025` (López de Prado, Lipton and Zoonekynd): the variance at the Sharpe ratio of the null hypothesis, over T.

Both account for first-order autocorrelation of the returns as in the 2025 paper; without autocorrelation, the
2012 convention is the original one.
"""

from dataclasses import dataclass
from math import e, inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Vector = NDArray[np.float64]
Convention = Literal["2012", "2025"]

LEVEL = 0.95
LARGEST_AUTOCORRELATION = 0.99
LEAST_VARIANCE = 1e-24  # of returns that are not all equal


@dataclass(frozen=True)
class Moments:
    """The moments of a series of returns that determine the significance of its Sharpe ratio."""

    sharpe: float  # mean over standard deviation (ddof 1); 0 for constant returns
    observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0
    autocorrelation: float = 0.0  # of the first order; a negative one is taken as 0, to be conservative


def moments_of(returns: Vector) -> Moments:
    """Return the moments of the finite values; constant returns, or fewer than two, have a Sharpe ratio of 0."""
    values = returns[np.isfinite(returns)]
    count = len(values)
    centred = values - values.mean() if count else values
    variance = float(centred @ centred) / count if count else 0.0
    if count < 2 or variance <= LEAST_VARIANCE:
        return Moments(0.0, count)
    lagged = float(centred[1:] @ centred[:-1]) / float(centred @ centred)
    return Moments(
        sharpe=float(values.mean() / values.std(ddof=1)),
        observations=count,
        skewness=float((centred**3).mean() / variance**1.5),
        kurtosis=float((centred**4).mean() / variance**2),
        autocorrelation=min(max(lagged, 0.0), LARGEST_AUTOCORRELATION),
    )


def sharpe_error(moments: Moments, *, at: float, observations: int) -> float:
    """Return the standard error of an estimated Sharpe ratio whose true value is `at`."""
    return sqrt(_unit_variance(moments, at) / observations) if observations > 0 else inf


def probabilistic_sharpe(moments: Moments, *, benchmark: float, convention: Convention) -> float:
    """Return the probability that the true Sharpe ratio exceeds the benchmark, by the named convention."""
    if convention == "2012":
        error = sharpe_error(moments, at=moments.sharpe, observations=moments.observations - 1)
    else:
        error = sharpe_error(moments, at=benchmark, observations=moments.observations)
    return float(norm.cdf((moments.sharpe - benchmark) / error))


def expected_maximum(trials: float) -> float:
    """Return Bailey and López de Prado's approximation of the expected maximum of N standard normals.

    0 for one trial. N need not be an integer: effective numbers of trials are not.
    """
    if trials <= 1:
        return 0.0
    largest = (1 - np.euler_gamma) * norm.ppf(1 - 1 / trials) + np.euler_gamma * norm.ppf(
        1 - 1 / (trials * e)
    )
    return max(float(largest), 0.0)


def deflated_sharpe(moments: Moments, *, trials: float, variance: float, convention: Convention) -> float:
    """Return the probability that the Sharpe ratio exceeds that expected of the best of `trials` without skill.

    `variance`: of the trials' Sharpe ratios.
    """
    bar = sqrt(variance) * expected_maximum(trials)
    return probabilistic_sharpe(moments, benchmark=bar, convention=convention)


def min_track_record(moments: Moments, *, benchmark: float, level: float = LEVEL) -> float:
    """Return the number of observations needed to show, with this confidence, that the ratio exceeds the benchmark.

    By the 2012 convention; infinite for a Sharpe ratio that does not exceed it.
    """
    if moments.sharpe <= benchmark:
        return inf
    distance = float(norm.ppf(level)) / (moments.sharpe - benchmark)
    return 1 + _unit_variance(moments, moments.sharpe) * distance**2


def min_backtest_length(trials: float, *, sharpe: float) -> float:
    """Return the number of periods in which the best of these trials without skill is expected to reach this ratio."""
    return (expected_maximum(trials) / sharpe) ** 2


def _unit_variance(moments: Moments, at: float) -> float:
    """Return the variance of the estimate times the number of observations (Mertens 2002, extended to AR(1))."""
    rho = moments.autocorrelation
    first, second = rho / (1 - rho), rho**2 / (1 - rho**2)
    skewed = (1 + first + second) * moments.skewness * at
    tailed = (1 + 2 * second) * (moments.kurtosis - 1) / 4 * at**2
    return 1 + 2 * first - skewed + tailed
