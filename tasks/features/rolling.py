"""Trailing windows whose value at a row depends on that window's rows alone, bit for bit.

A running sum depends on where the array begins: yesterday's rounding is carried on for ever. Here a window is
put together from windows of 1, 2, 4, 8 … rows, always by the same tree, so that the day's row computed from the
needed tail equals the full computation exactly, in log2(window) passes over whole arrays and with less rounding
than a running sum has. Sums, extremes, moments and decaying averages differ only in how two neighbouring windows
are merged.

A window holds missing values when bars are missing. Its result is missing when less than MIN_PRESENT_FRAC of its
rows are there, or when the array does not hold the whole window. Never looks at a later row.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Mask, Matrix

Part = tuple[NDArray[Any], ...]  # what is known about a window, one array per figure, one row per session
Merge = Callable[[Part, Part, int], Part]  # (earlier window, later window, rows of the later one)

MIN_PRESENT_FRAC = 0.8
EMA_SPANS = 5  # a decaying average ends after this many spans, where e⁻¹⁰ of the weight is left


def lag(values: Matrix, sessions: int) -> Matrix:
    """Return what stood `sessions` rows earlier; missing where the array does not reach back."""
    return _placed(values[: max(len(values) - sessions, 0)], values.shape)


def rolling_sum(values: Matrix, window: int) -> Matrix:
    """Sum what is present in the window."""
    present = ~np.isnan(values)
    (total,) = _fold((np.where(present, values, 0.0),), _add, window)
    return _with_enough(total, present, window)


def rolling_mean(values: Matrix, window: int) -> Matrix:
    """Average what is present in the window."""
    present = ~np.isnan(values)
    (total,) = _fold((np.where(present, values, 0.0),), _add, window)
    return _with_enough(total / np.maximum(_count(present, window), 1), present, window)


def rolling_max(values: Matrix, window: int) -> Matrix:
    """Return the largest value that is present in the window."""
    (largest,) = _fold((values,), lambda earlier, later, _: (np.fmax(earlier[0], later[0]),), window)
    return _with_enough(largest, ~np.isnan(values), window)


def rolling_min(values: Matrix, window: int) -> Matrix:
    """Return the smallest value that is present in the window."""
    return -rolling_max(-values, window)


def rolling_mean_and_std(values: Matrix, window: int) -> tuple[Matrix, Matrix]:
    """Return mean and sample standard deviation; a constant window deviates by exactly 0."""
    present = ~np.isnan(values)
    one = (present.astype(np.float64), np.where(present, values, 0.0), np.zeros_like(values))
    count, mean, squares = _fold(one, _merge_moments, window)
    std = np.sqrt(squares / np.maximum(count - 1, 1))
    return _with_enough(mean, present, window), _with_enough(std, present, window)


def ema(values: Matrix, span: float) -> Matrix:
    """Average with weights that decay by 1 − 2/(span + 1) a session, cut after EMA_SPANS spans."""
    decay = 1.0 - 2.0 / (span + 1.0)
    present = ~np.isnan(values)

    def merge(earlier: Part, later: Part, rows: int) -> Part:
        fade = decay**rows
        return later[0] + fade * earlier[0], later[1] + fade * earlier[1]

    window = ema_window(span)
    total, weight = _fold((np.where(present, values, 0.0), present.astype(np.float64)), merge, window)
    return _with_enough(total / np.where(weight > 0, weight, 1.0), present, window)


def ema_window(span: float) -> int:
    """Return how many rows a decaying average of this span looks at."""
    return math.ceil(EMA_SPANS * span)


def weighted_sum(values: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """Sum the window with one weight a row, oldest first; missing when any row of it is."""
    window = len(weights)
    rows = len(values) - window + 1
    if rows <= 0:
        return np.full(values.shape, np.nan)
    total = weights[0] * values[:rows]
    for row in range(1, window):
        total = total + weights[row] * values[row : row + rows]
    return _placed(total, values.shape)


def ratio(numerator: Matrix, denominator: Matrix, *, flat: float) -> Matrix:
    """Divide; where the denominator is 0, because nothing moved or traded, the answer is `flat`."""
    is_flat = denominator == 0
    return np.where(is_flat, flat, numerator / np.where(is_flat, 1.0, denominator))


def _fold(one: Part, merge: Merge, window: int) -> Part:
    """Merge each row with the window − 1 rows before it. `one` describes windows of a single row.

    A part that covers `span` rows has its first row where the first whole window ends. Results of an array that
    is shorter than the window are empty.
    """
    power, span = one, 1
    result, covered = one, 0
    for bit in range(window.bit_length()):
        if bit:
            power, span = _join(power, power, merge, span, span), 2 * span
        if window >> bit & 1:
            result = _join(power, result, merge, span, covered) if covered else power
            covered += span
    return result


def _join(earlier: Part, later: Part, merge: Merge, earlier_rows: int, later_rows: int) -> Part:
    before = tuple(figure[: max(len(figure) - later_rows, 0)] for figure in earlier)
    after = tuple(figure[earlier_rows:] for figure in later)
    return merge(before, after, later_rows)


def _add(earlier: Part, later: Part, _rows: int) -> Part:
    return (earlier[0] + later[0],)


def _merge_moments(earlier: Part, later: Part, _rows: int) -> Part:
    """Merge counts, means and squared deviations (Chan, Golub and LeVeque 1983): no cancellation."""
    count = earlier[0] + later[0]
    step = later[1] - earlier[1]
    share = later[0] / np.maximum(count, 1.0)
    mean = earlier[1] + step * share
    return count, mean, earlier[2] + later[2] + step * step * earlier[0] * share


def _count(present: Mask, window: int) -> NDArray[np.int16]:
    (count,) = _fold((present.astype(np.int16),), _add, window)
    return count


def _with_enough(result: NDArray[Any], present: Mask, window: int) -> Matrix:
    enough = _count(present, window) >= math.ceil(MIN_PRESENT_FRAC * window)
    return _placed(np.where(enough, result, np.nan), present.shape)


def _placed(result: NDArray[Any], shape: tuple[int, ...]) -> Matrix:
    """Put the last rows in their place; the rows before them are missing."""
    placed = np.full(shape, np.nan)
    if len(result):
        placed[-len(result) :] = result
    return placed
