"""Trailing windows whose value at a row depends on that window's rows alone, bit for bit.

A running sum depends on where the array begins: yesterday's rounding is carried on for ever. Here windows are merged
from smaller ones, in an order that the window alone decides, so that the day's row, computed from the
needed tail, equals the full computation exactly. Windows of one history share what they are merged from.

A window holds missing values when bars are missing. Its result is missing when less than MIN_PRESENT_FRAC of its
rows are there, or when the history does not hold the whole window: what is merged with nothing is missing.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.features import machine
from tasks.features.arithmetic import is_missing, maximum, minimum, sqrt, where
from tasks.features.series import Series, recorded, series

MIN_PRESENT_FRAC = 0.8
EMA_SPANS = 5  # a decaying average ends after this many spans, where e⁻¹⁰ of the weight is left

Sums = TypeVar("Sums", Series, tuple[Series, Series])
LEAST_SPREAD = (
    1e-6  # of the squares: where less is left of them around the mean, too many digits have cancelled out
)


def lag(values: Series, sessions: int) -> Series:
    """Return what stood `sessions` rows earlier; missing where the history does not reach back."""
    if sessions < 0:
        raise ValueError("A feature cannot look ahead: lags are 0 or more.")
    return recorded(machine.LAG, series(values), size=sessions) if sessions else series(values)


def rolling_sum(values: Series, window: int) -> Series:
    """Sum what is present in the window."""
    return _where_enough(_merged(_filled(values), window), values, window)


def rolling_mean(values: Series, window: int) -> Series:
    """Average what is present in the window."""
    return _merged(_filled(values), window) / _count(values, window)


def rolling_max(values: Series, window: int) -> Series:
    """Return the largest value that is present in the window."""
    return _where_enough(_largest(values, window)[0], values, window)


def rolling_min(values: Series, window: int) -> Series:
    """Return the smallest value that is present in the window."""
    lowest = recorded(machine.FILL, values, number=math.inf)
    for rows in _covering(window):
        lowest = recorded(machine.MERGE_MIN, lowest, lowest, size=rows)
    return _where_enough(lowest, values, window)


def sessions_since_max(values: Series, window: int) -> Series:
    """Return how many rows ago the window's largest value was, 0 for today; the oldest of equals."""
    return _where_enough(_largest(values, window)[1], values, window)


def sessions_since_min(values: Series, window: int) -> Series:
    """Return how many rows ago the window's smallest value was, 0 for today; the oldest of equals."""
    return sessions_since_max(-values, window)


def rolling_mean_and_std(values: Series, window: int) -> tuple[Series, Series]:
    """Return mean and sample standard deviation; a constant window deviates by exactly 0."""
    filled, count = _filled(values), _count(values, window)
    total, squares = _merged(filled, window), _merged(filled * filled, window)
    mean = total / count
    spread = _around(squares, total, mean)
    has_cancelled = _cancelled(spread, squares)
    mean = _directly(machine.MEAN, mean, has_cancelled, values, values, window)
    spread = _directly(machine.SPREAD, spread, has_cancelled, values, values, window)
    return mean, sqrt(spread / (count - 1))


def rolling_skewness_and_kurtosis(values: Series, window: int) -> tuple[Series, Series]:
    """Return the sample skewness and excess kurtosis, corrected for bias; 0 where nothing varies."""
    n = _count(values, window)
    mean, std = rolling_mean_and_std(values, window)
    cubes = recorded(machine.DEVIATIONS, values, mean, size=window - 1, number=3)
    fourths = recorded(machine.DEVIATIONS, values, mean, size=window - 1, number=4)
    is_flat = std == 0
    variance = where(is_flat, 1.0, std * std * (n - 1) / n)
    skewness = sqrt(n * (n - 1)) / (n - 2) * (cubes / n) / variance**1.5
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourths / n) / variance**2 - 3 * (n - 1))
    return where(is_flat, 0.0, skewness), where(is_flat, 0.0, kurtosis)


def rolling_quantile(values: Series, window: int, fraction: float) -> Series:
    """Return the value below which `fraction` of what is present lies, interpolated between neighbours."""
    quantile = recorded(machine.QUANTILE, values, size=window - 1, number=fraction)
    return _where_enough(quantile, values, window)


def rolling_rank(values: Series, window: int) -> Series:
    """Return the row's own place among what is present in its window, 1 for the largest; equals share their mean."""
    place, nearest = series(0.0), 1
    for farthest in (*_doublings(window - 1), window - 1):
        place = recorded(machine.PLACE, place, values, size=farthest, number=nearest)
        nearest = farthest + 1
    own = where(is_missing(values), math.nan, place + 1.0)
    return own / _count(values, window)


def rolling_line(values: Series, window: int) -> tuple[Series, Series, Series]:
    """Return slope a row, r² and the row's own residual of the straight line through what is present.

    r² is missing where nothing varies; the residual is missing where the row itself is.
    """
    filled = _filled(values)
    count, (ages, squared_ages) = _count(values, window), _ages(values, window)
    total, aged = _merged_aged(filled, window)
    squares = _merged(filled * filled, window)
    mean, behind = total / count, ages / count
    xx = (squared_ages * count - ages * ages) / count
    yy, xy = _around(squares, total, mean), behind * total - aged
    has_cancelled = _cancelled(yy, squares)
    mean = _directly(machine.MEAN, mean, has_cancelled, values, values, window)
    yy = _directly(machine.SPREAD, yy, has_cancelled, values, values, window)
    xy = _directly(machine.SPREAD, xy, has_cancelled, recorded(machine.ROW), values, window)
    slope = xy / xx
    r_squared = where(yy > 0, xy * xy / (xx * yy), math.nan)
    residual = values - mean - slope * behind
    return slope, r_squared, residual


def rolling_correlation(x: Series, y: Series, window: int) -> Series:
    """Return Pearson's correlation over the rows where both are present, 0 where either does not vary."""
    lacks_one, count = is_missing(x + y), _count(x + y, window)
    of_x, of_y = where(lacks_one, 0.0, x), where(lacks_one, 0.0, y)
    total_x, total_y = _merged(of_x, window), _merged(of_y, window)
    squares_x, squares_y = _merged(of_x * of_x, window), _merged(of_y * of_y, window)
    mean_y = total_y / count
    xx, yy = _around(squares_x, total_x, total_x / count), _around(squares_y, total_y, mean_y)
    xy = _around(_merged(of_x * of_y, window), total_x, mean_y)
    has_cancelled = maximum(_cancelled(xx, squares_x), _cancelled(yy, squares_y))
    xx = _directly(machine.SPREAD, xx, has_cancelled, x, x + 0 * y, window)  # with the gaps of both
    yy = _directly(machine.SPREAD, yy, has_cancelled, y, y + 0 * x, window)
    xy = _directly(machine.SPREAD, xy, has_cancelled, x, y, window)
    spread = sqrt(xx * yy)
    return where(spread == 0, 0.0, minimum(maximum(xy / spread, -1.0), 1.0))


def ema(values: Series, span: float) -> Series:
    """Average with weights that decay by 1 − 2/(span + 1) a session, cut after EMA_SPANS spans."""
    window, decay = ema_window(span), 1.0 - 2.0 / (span + 1.0)
    weight = _merged(_present(values), window, decay)
    return _where_enough(_merged(_filled(values), window, decay) / weight, values, window)


def ema_window(span: float) -> int:
    """Return how many rows a decaying average of this span looks at."""
    return math.ceil(EMA_SPANS * span)


def weighted_sum(values: Series, weights: NDArray[np.float64]) -> Series:
    """Sum the window with one weight a row, oldest first; missing when any row of it is."""
    return recorded(machine.WEIGHTED, values, size=len(weights) - 1, weights=tuple(weights.tolist()))


def _filled(values: Series) -> Series:
    return recorded(machine.FILL, values, number=0.0)


def _present(values: Series) -> Series:
    return recorded(machine.EQUAL, values, values)


def _count(values: Series, window: int) -> Series:
    """Count what is present; missing where that is too little, and with it whatever is divided by it."""
    return _exact_sum(_present(values), window, least=math.ceil(MIN_PRESENT_FRAC * window))


def _exact_sum(numbers: Series, window: int, *, least: int = 0) -> Series:
    """Sum whole numbers, of which any running sum is exact."""
    running = recorded(machine.RUNNING, numbers)
    return recorded(machine.DIFFERENCE, running, numbers, size=window - 1, number=least)


def _where_enough(figure: Series, values: Series, window: int) -> Series:
    return recorded(machine.WHERE_KNOWN, figure, _count(values, window))


def _merged(values: Series, window: int, fade: float = 1.0) -> Series:
    """Sum each window; what lies `n` rows back counts `fade` to the power of `n`."""

    def join(later: Series, earlier: Series, rows: int) -> Series:
        return recorded(machine.MERGE, later, earlier, size=rows, number=fade**rows)

    return _joined(values, window, join)


def _merged_aged(values: Series, window: int) -> tuple[Series, Series]:
    """Sum each window, and sum it with each value counting by how many rows ago it was."""

    def join(
        later: tuple[Series, Series], earlier: tuple[Series, Series], rows: int
    ) -> tuple[Series, Series]:
        total = recorded(machine.MERGE, later[0], earlier[0], size=rows, number=1.0)
        aged = recorded(machine.MERGE, later[1], earlier[1], size=rows, number=1.0)
        return total, recorded(machine.MERGE, aged, earlier[0], size=rows, number=rows)

    return _joined((values, series(0.0)), window, join)


def _joined(rows: Sums, window: int, join: Callable[[Sums, Sums, int], Sums]) -> Sums:
    """Put windows together from smaller ones: equal parts where the length has a divisor, else one row and the rest.

    The order depends on the window alone. Windows of 5, 10, 20, 60 rows are parts of one another, whoever asks.
    """
    if window == 1:
        return rows
    parts = next((number for number in range(2, math.isqrt(window) + 1) if window % number == 0), window)
    if parts == window:
        return join(rows, _joined(rows, window - 1, join), 1)
    part = whole = _joined(rows, window // parts, join)
    for earlier in range(1, parts):
        whole = join(whole, part, earlier * (window // parts))
    return whole


def _ages(values: Series, window: int) -> tuple[Series, Series]:
    """Return the sums of how many rows ago what is present was, and of the squares of that."""
    row, present = recorded(machine.ROW), _present(values)
    count, rows = _count(values, window), _exact_sum(present * row, window)
    squares = _exact_sum(present * row * row, window)
    return count * row - rows, count * row * row - 2 * rows * row + squares


def _largest(values: Series, window: int) -> tuple[Series, Series]:
    """Return the largest value of each window, and how many rows ago it was."""
    largest, since = recorded(machine.FILL, values, number=-math.inf), series(0.0)
    for rows in _covering(window):
        since = recorded(machine.MERGE_SINCE, since, since, largest, largest, size=rows)
        largest = recorded(machine.MERGE_MAX, largest, largest, size=rows)
    return largest, since


def _covering(window: int) -> tuple[int, ...]:
    """Return how many rows before its later part the earlier one ends: doubled, and then two that overlap."""
    left_over = window - (1 << window.bit_length() - 1)
    return (*_doublings(window), left_over) if left_over else _doublings(window)


def _doublings(window: int) -> tuple[int, ...]:
    """Return 1, 2, 4 … as far as twice that fits into the window."""
    return tuple(1 << bit for bit in range(window.bit_length() - 1))


def _around(products: Series, total: Series, mean: Series) -> Series:
    """Turn a sum of products into that of the deviations from the means."""
    return recorded(machine.AROUND, products, total, mean)


def _cancelled(spread: Series, squares: Series) -> Series:
    return recorded(machine.CANCELLED, spread, squares, number=LEAST_SPREAD)


def _directly(moment: int, value: Series, cases: Series, x: Series, y: Series, window: int) -> Series:
    """Find the moment of the windows in question digit by digit."""
    return recorded(machine.DIRECTLY, value, cases, x, y, size=window - 1, number=moment)
