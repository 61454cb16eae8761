"""Trailing-window sums that depend on the rows of the window alone, bit for bit.

Running sums accumulate rounding from the first row on: panels that begin in 2005 and in 2019 would differ in 2020.
Here every row adds its own window in the same order, regardless of the preceding rows.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.core.compiled import compiled
from tasks.data.schema.records import Mask

Numbers = NDArray[np.float64]

COLUMNS_AT_ONCE = 512
FIXED_POINT = 2.0**40  # integer sums depend neither on order nor on empty columns in between


def window_sum(values: Numbers, window: int) -> Numbers:
    """Return the sum of the last `window` rows up to each row, fewer at the start. NaN counts as 0."""
    known = np.nan_to_num(values, nan=0.0)
    total: Numbers = _added(known.reshape(len(known), math.prod(known.shape[1:])), window).reshape(
        known.shape
    )
    return total


@compiled
def _added(known: Numbers, window: int) -> Numbers:
    rows, columns = known.shape
    total = np.zeros((rows, columns))
    for row in range(rows):
        for lag in range(min(window, row + 1)):
            for column in range(columns):
                total[row, column] += known[row - lag, column]
    return total


def window_count(present: Mask, window: int) -> Numbers:
    """Return how many rows of each trailing window are present."""
    count = np.cumsum(present, axis=0, dtype=np.int64)  # a running sum of integers is exact
    count[window:] -= count[:-window].copy()
    return count.astype(np.float64)


def column_blocks(values: NDArray[np.generic]) -> list[tuple[slice, ...]]:
    """Return column slices small enough for the cache; one empty slice for a 1-D array."""
    if values.ndim == 1:
        return [()]
    return [(slice(first, first + COLUMNS_AT_ONCE),) for first in range(0, values.shape[1], COLUMNS_AT_ONCE)]


def row_mean(values: Numbers, chosen: Mask) -> Numbers:
    """Return the mean of each row over the chosen columns; NaN where none is chosen."""
    counted = chosen.sum(axis=1)
    fixed = np.rint(np.where(chosen, values, 0.0) * FIXED_POINT).astype(np.int64)
    mean: Numbers = fixed.sum(axis=1) / FIXED_POINT / np.where(counted, counted, np.nan)
    return mean


def levels_before(returns: Numbers, window: int) -> Iterator[Numbers]:
    """Yield, for lag 0, 1, … `window` − 1, the level that many sessions ago as a multiple of today's.

    NaN from the first missing return backwards, and before the first row. Computed from returns, so that the result
    does not depend on where a level series starts.
    """
    multiple = np.ones_like(returns)
    yield multiple
    for lag in range(1, min(window, len(returns))):
        later = np.full_like(returns, np.nan)
        later[lag - 1 :] = returns[: len(returns) - lag + 1]
        multiple = multiple / (1 + later)
        yield multiple
