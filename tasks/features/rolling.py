"""Trailing windows whose value at a row depends on that window's rows alone, bit for bit.

A running sum depends on where the array begins: yesterday's rounding is carried on for ever. Here the day's row,
computed from the needed tail, equals the full computation exactly; `kernels.py` says how.

A window holds missing values when bars are missing. Its result is missing when less than MIN_PRESENT_FRAC of its
rows are there, or when the array does not hold the whole window. Never looks at a later row.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Matrix
from tasks.features import kernels, walks
from tasks.features.compiled import Histories
from tasks.features.kernels import plan

MIN_PRESENT_FRAC = 0.8
EMA_SPANS = 5  # a decaying average ends after this many spans, where e⁻¹⁰ of the weight is left


def lag(values: Matrix, sessions: int) -> Matrix:
    """Return what stood `sessions` rows earlier; missing where the array does not reach back."""
    lagged = np.full_like(values, np.nan)
    if sessions < len(values):
        lagged[sessions:] = values[: len(values) - sessions]
    return lagged


def rolling_sum(values: Matrix, window: int) -> Matrix:
    """Sum what is present in the window."""
    return kernels.averages(_history(values), plan(window), np.ones(window), _least(window), False).T  # noqa: FBT003 - a compiled kernel takes no keywords


def rolling_mean(values: Matrix, window: int) -> Matrix:
    """Average what is present in the window."""
    return kernels.averages(_history(values), plan(window), np.ones(window), _least(window), True).T  # noqa: FBT003 - a compiled kernel takes no keywords


def rolling_max(values: Matrix, window: int) -> Matrix:
    """Return the largest value that is present in the window."""
    return kernels.maxima(_history(values), window, _least(window)).T


def rolling_min(values: Matrix, window: int) -> Matrix:
    """Return the smallest value that is present in the window."""
    return -rolling_max(-values, window)


def sessions_since_max(values: Matrix, window: int) -> Matrix:
    """Return how many rows ago the window's largest value was, 0 for today; the oldest of equals."""
    history = _history(values)
    return walks.rows_since_max(history, kernels.counts(history, window), window, _least(window)).T


def sessions_since_min(values: Matrix, window: int) -> Matrix:
    """Return how many rows ago the window's smallest value was, 0 for today; the oldest of equals."""
    return sessions_since_max(-values, window)


def rolling_mean_and_std(values: Matrix, window: int) -> tuple[Matrix, Matrix]:
    """Return mean and sample standard deviation; a constant window deviates by exactly 0."""
    mean, std = kernels.moments(_history(values), plan(window), window, _least(window))
    return mean.T, std.T


def rolling_skewness_and_kurtosis(values: Matrix, window: int) -> tuple[Matrix, Matrix]:
    """Return the sample skewness and excess kurtosis, corrected for bias; 0 where nothing varies."""
    history = _history(values)
    n = kernels.counts(history, window)
    mean, std = kernels.moments(history, plan(window), window, _least(window))
    cubes, fourths = walks.higher_moments(history, mean, window)
    is_flat = std == 0
    variance = np.where(is_flat, 1.0, std * std * (n - 1) / n)
    skewness = np.sqrt(n * (n - 1)) / (n - 2) * (cubes / n) / variance**1.5
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourths / n) / variance**2 - 3 * (n - 1))
    return np.where(is_flat, 0.0, skewness).T, np.where(is_flat, 0.0, kurtosis).T


def rolling_quantile(values: Matrix, window: int, fraction: float) -> Matrix:
    """Return the value below which `fraction` of what is present lies, interpolated between neighbours."""
    return walks.quantiles(_history(values), window, fraction, _least(window)).T


def rolling_rank(values: Matrix, window: int) -> Matrix:
    """Return the row's own place among what is present in its window, 1 for the largest; equals share their mean."""
    history = _history(values)
    return walks.places(history, kernels.counts(history, window), window, _least(window)).T


def rolling_line(values: Matrix, window: int) -> tuple[Matrix, Matrix, Matrix]:
    """Return slope a row, r² and the row's own residual of the straight line through what is present.

    r² is missing where nothing varies; the residual is missing where the row itself is.
    """
    slope, r_squared, residual = kernels.lines(_history(values), plan(window), window, _least(window))
    return slope.T, r_squared.T, residual.T


def rolling_correlation(x: Matrix, y: Matrix, window: int) -> Matrix:
    """Return Pearson's correlation over the rows where both are present, 0 where either does not vary."""
    x, y = np.broadcast_arrays(x, y)
    return kernels.correlations(_history(x), _history(y), plan(window), window, _least(window)).T


def ema(values: Matrix, span: float) -> Matrix:
    """Average with weights that decay by 1 − 2/(span + 1) a session, cut after EMA_SPANS spans."""
    window = ema_window(span)
    decay = 1.0 - 2.0 / (span + 1.0)
    fades = np.array([decay**rows for rows in range(window)])
    return kernels.averages(_history(values), plan(window), fades, _least(window), True).T  # noqa: FBT003 - a compiled kernel takes no keywords


def ema_window(span: float) -> int:
    """Return how many rows a decaying average of this span looks at."""
    return math.ceil(EMA_SPANS * span)


def weighted_sum(values: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """Sum the window with one weight a row, oldest first; missing when any row of it is."""
    return walks.weighted_sums(_history(values), weights).T


def ratio(numerator: Matrix, denominator: Matrix, *, flat: float) -> Matrix:
    """Divide; where the denominator is 0, because nothing moved or traded, the answer is `flat`."""
    is_flat = denominator == 0
    return np.where(is_flat, flat, numerator / np.where(is_flat, 1.0, denominator))


def _least(window: int) -> int:
    return math.ceil(MIN_PRESENT_FRAC * window)


def _history(values: Matrix) -> Histories:
    """Return symbols × sessions, contiguous: no copy for the columns of a block."""
    return np.ascontiguousarray(values.T, dtype=np.float64)
