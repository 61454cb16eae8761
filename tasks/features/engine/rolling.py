"""Statistics of trailing windows that depend, bit for bit, on the rows of the window alone.

A running sum depends on where the array begins, because rounding accumulates. Here windows are merged from smaller
ones, in an order that depends on the window alone, so that a row computed from the tail equals the full computation.
Windows of one series share the smaller ones.

Missing bars are missing values. The result is missing if less than MIN_PRESENT_FRAC of the rows are present, or if the
history is shorter than the window.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine import machine
from tasks.features.engine.arithmetic import is_missing, maximum, sqrt, where
from tasks.features.engine.series import Series, recorded, series

MIN_PRESENT_FRAC = 0.8
EMA_SPANS = 5  # length of an exponential average in spans; e⁻¹⁰ of the weight remains after it

SUMS = {2: machine.SUM_OF_2, 3: machine.SUM_OF_3, 5: machine.SUM_OF_5, 7: machine.SUM_OF_7}
LEAST_SPREAD = (
    1e-6  # of the squares: with less variance around the mean, cancellation costs too much precision
)


def lag(values: Series, sessions: int) -> Series:
    """Return the value `sessions` rows earlier; missing at the start of the history."""
    if sessions < 0:
        raise ValueError("A feature cannot look ahead: lags are 0 or more.")
    return recorded(machine.LAG, series(values), size=sessions) if sessions else series(values)


def rolling_sum(values: Series, window: int) -> Series:
    """Sum the present values of the window."""
    return _where_enough(_merged(_filled(values), window), values, window)


def rolling_mean(values: Series, window: int) -> Series:
    """Average the present values of the window."""
    return _merged(_filled(values), window) / _count(values, window)


def rolling_max(values: Series, window: int) -> Series:
    """Return the largest present value of the window."""
    return _where_enough(_largest(values, window)[0], values, window)


def rolling_min(values: Series, window: int) -> Series:
    """Return the smallest present value of the window."""
    lowest = recorded(machine.FILL, values, number=math.inf)
    for rows in _covering(window):
        lowest = recorded(machine.MERGE_MIN, lowest, lowest, size=rows)
    return _where_enough(lowest, values, window)


def sessions_since_max(values: Series, window: int) -> Series:
    """Return how many rows ago the largest value was, 0 for the current row; the oldest of equals."""
    return _where_enough(_largest(values, window)[1], values, window)


def sessions_since_min(values: Series, window: int) -> Series:
    """Return how many rows ago the smallest value was, 0 for the current row; the oldest of equals."""
    return sessions_since_max(-values, window)


def rolling_mean_and_std(values: Series, window: int) -> tuple[Series, Series]:
    """Return mean and sample standard deviation, which is exactly 0 for a constant window."""
    filled = _filled(values)
    sums = _count(values, window), _merged(filled * filled, window), _merged(filled, window)
    return _moment(machine.MEAN, *sums, values, window), _moment(machine.DEVIATION, *sums, values, window)


def rolling_skewness_and_kurtosis(values: Series, window: int) -> tuple[Series, Series]:
    """Return the sample skewness and excess kurtosis, corrected for bias; 0 for a constant window."""
    n = _count(values, window)
    mean, std = rolling_mean_and_std(values, window)
    cubes = recorded(machine.POWER_SUM, values, mean, size=window - 1, number=3)
    fourths = recorded(machine.POWER_SUM, values, mean, size=window - 1, number=4)
    is_flat = std == 0
    variance = where(is_flat, 1.0, std * std * (n - 1) / n)
    skewness = sqrt(n * (n - 1)) / (n - 2) * (cubes / n) / variance**1.5
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourths / n) / variance**2 - 3 * (n - 1))
    return where(is_flat, 0.0, skewness), where(is_flat, 0.0, kurtosis)


def rolling_quantile(values: Series, window: int, fraction: float) -> Series:
    """Return the quantile of the present values, interpolated linearly."""
    quantile = recorded(machine.QUANTILE, values, size=window - 1, number=fraction)
    return _where_enough(quantile, values, window)


def rolling_rank(values: Series, window: int) -> Series:
    """Return the row's rank among the present values, 1 for the largest; ties share their mean rank."""
    place, nearest = series(0.0), 1
    for farthest in (*_doublings(window - 1), window - 1):
        place = recorded(machine.PLACE, place, values, size=farthest, number=nearest)
        nearest = farthest + 1
    own = where(is_missing(values), math.nan, place + 1.0)
    return own / _count(values, window)


def rolling_line(values: Series, window: int) -> tuple[Series, Series, Series]:
    """Return slope per row, r² and the current row's residual of a line fitted to the present values.

    r² is missing for a constant window; the residual is missing where the row is.
    """
    filled = _filled(values)
    count, (ages, squared_ages) = _count(values, window), _ages(values, window)
    total, aged = _merged(filled, window), _aged(filled, window)
    squares = _merged(filled * filled, window)
    xx, yy = _crossed(count, squared_ages, ages, ages), _crossed(count, squares, total, total)
    xy = _crossed(ages, total, count, aged)
    has_cancelled = _cancelled(yy, count, squares)
    yy = _directly(yy, has_cancelled, values, values, window)
    xy = _directly(xy, has_cancelled, recorded(machine.ROW), values, window)
    mean = _moment(machine.MEAN, count, squares, total, values, window)
    slope = xy / xx
    r_squared = where(yy > 0, xy * xy / (xx * yy), math.nan)
    residual = values - mean - slope * (ages / count)
    return slope, r_squared, residual


def rolling_correlation(x: Series, y: Series, window: int) -> Series:
    """Return the Pearson correlation over rows where both are present; 0 where either is constant."""
    lacks_one, count = is_missing(x + y), _count(x + y, window)
    of_x, of_y = where(lacks_one, 0.0, x), where(lacks_one, 0.0, y)
    total_x, total_y = _merged(of_x, window), _merged(of_y, window)
    squares_x, squares_y = _merged(of_x * of_x, window), _merged(of_y * of_y, window)
    xx, yy = _crossed(count, squares_x, total_x, total_x), _crossed(count, squares_y, total_y, total_y)
    xy = _crossed(count, _merged(of_x * of_y, window), total_x, total_y)
    has_cancelled = maximum(_cancelled(xx, count, squares_x), _cancelled(yy, count, squares_y))
    xx = _directly(xx, has_cancelled, x, _where_known(x, y), window)
    yy = _directly(yy, has_cancelled, y, _where_known(y, x), window)
    xy = _directly(xy, has_cancelled, x, y, window)
    return recorded(machine.CORRELATION, xy, xx, yy)


def ema(values: Series, span: float) -> Series:
    """Average with weights that decay by 1 − 2/(span + 1) per session, truncated after EMA_SPANS spans."""
    window, decay = ema_window(span), 1.0 - 2.0 / (span + 1.0)
    weight = _merged(_present(values), window, decay)
    return _where_enough(_merged(_filled(values), window, decay) / weight, values, window)


def ema_window(span: float) -> int:
    """Return the length in rows of an exponential average of this span."""
    return math.ceil(EMA_SPANS * span)


def weighted_sum(values: Series, weights: NDArray[np.float64]) -> Series:
    """Sum the window with one weight per row, oldest first; missing if any row is."""
    return recorded(machine.WEIGHTED, values, size=len(weights) - 1, weights=tuple(weights.tolist()))


def _filled(values: Series) -> Series:
    return recorded(machine.FILL, values, number=0.0)


def _present(values: Series) -> Series:
    return recorded(machine.EQUAL, values, values)


def _count(values: Series, window: int) -> Series:
    """Count the present values; missing where there are too few, so that any quotient by the count is missing, too."""
    values = _with_same_gaps(values)
    running = recorded(machine.RUNNING_COUNT, values)
    return recorded(
        machine.COUNT, running, values, size=window - 1, number=math.ceil(MIN_PRESENT_FRAC * window)
    )


def _with_same_gaps(values: Series) -> Series:
    """Return the series beneath operations with constants, which is missing exactly where `values` is."""
    gaps = [part for part in values.parts if part.operation != machine.CONSTANT]
    if values.operation in machine.KEEPS_GAPS and len(gaps) == 1:
        return _with_same_gaps(gaps[0])
    return values


def _exact_sum(numbers: Series, window: int) -> Series:
    """Sum integers, for which running sums are exact."""
    return recorded(machine.DIFFERENCE, recorded(machine.RUNNING, numbers), numbers, size=window - 1)


def _where_enough(figure: Series, values: Series, window: int) -> Series:
    return _where_known(figure, _count(values, window))


def _where_known(figure: Series, other: Series) -> Series:
    return recorded(machine.WHERE_KNOWN, figure, other)


def _merged(values: Series, window: int, fade: float = 1.0) -> Series:
    """Sum each window; the value `n` rows back has weight `fade` ** n.

    A window is merged from equal parts if its length allows, else from one row and the rest: in an order that depends
    on the window alone. Windows of 5, 10, 20 and 60 rows share their parts.
    """
    if window == 1:
        return values
    parts = _equal_parts(window)
    if parts == 1:
        return recorded(machine.MERGE, values, _merged(values, window - 1, fade), size=1, number=fade)
    rows = window // parts
    whole = part = _merged(values, rows, fade)
    if fade == 1.0:
        return _sum_of(parts, part, window)
    for earlier in range(rows, window, rows):
        whole = recorded(machine.MERGE, whole, part, size=earlier, number=fade**earlier)
    return whole


def _aged(values: Series, window: int) -> Series:
    """Sum each window, each value weighted by its age in rows."""
    if window == 1:
        return series(0.0)
    parts = _equal_parts(window)
    if parts == 1:
        earlier = lag(_aged(values, window - 1), 1)
        return recorded(machine.MERGE, earlier, _merged(values, window - 1), size=1, number=1.0)
    rows = window // parts
    aged = _sum_of(parts, _aged(values, rows), window)
    for earlier_rows in range(rows, window, rows):
        aged = recorded(machine.MERGE, aged, _merged(values, rows), size=earlier_rows, number=earlier_rows)
    return aged


def _equal_parts(window: int) -> int:
    """Return into how many equal parts a window is split, 1 if into none."""
    return next((parts for parts in SUMS if window % parts == 0), 1)


def _sum_of(parts: int, values: Series, window: int) -> Series:
    return recorded(SUMS[parts], values, size=window - window // parts)


def _ages(values: Series, window: int) -> tuple[Series, Series]:
    """Return the sums of the ages in rows of present values, and of their squares."""
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
    """Return the distances between merged windows: doubling, then two that overlap."""
    left_over = window - (1 << window.bit_length() - 1)
    return (*_doublings(window), left_over) if left_over else _doublings(window)


def _doublings(window: int) -> tuple[int, ...]:
    """Return 1, 2, 4, … while twice that fits into the window."""
    return tuple(1 << bit for bit in range(window.bit_length() - 1))


def _crossed(a: Series, b: Series, c: Series, d: Series) -> Series:
    """Return a·b − c·d: from a count, a sum of products and both totals, count × the central products."""
    return recorded(machine.CROSSED, a, b, c, d)


def _cancelled(spread: Series, count: Series, squares: Series) -> Series:
    return recorded(machine.CANCELLED, spread, count, squares, number=LEAST_SPREAD)


def _moment(
    operation: int, count: Series, squares: Series, total: Series, values: Series, window: int
) -> Series:
    return recorded(operation, count, squares, total, values, size=window - 1, number=LEAST_SPREAD)


def _directly(spread: Series, cases: Series, x: Series, y: Series, window: int) -> Series:
    """Compute it from the rows where the sums cancel."""
    return recorded(machine.DIRECTLY, spread, cases, x, y, size=window - 1)
