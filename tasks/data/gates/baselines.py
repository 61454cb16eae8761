"""Compute baselines: a name's trailing median before a bar, the bar itself excluded, and a session's median.

Only the requested rows are computed, so that a few rows out of millions cost little.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def trailing_median(
    values: Floats, code: Ints, day: Ints, rows: Ints, *, sessions: int, min_count: int
) -> Floats:
    """Return the median over the `sessions` before each of `rows`; NaN where fewer than `min_count` values exist.

    ContextRows are sorted by symbol code and day; `day` counts trading days.
    """
    if len(rows) == 0:
        return np.zeros(0)
    before = rows[:, None] - np.arange(1, sessions + 1)
    clipped = np.maximum(before, 0)
    counts = (
        (before >= 0) & (code[clipped] == code[rows, None]) & (day[rows, None] - day[clipped] <= sessions)
    )
    window = np.sort(np.where(counts, values[clipped], np.nan), axis=1)  # NaN sorts last
    count = np.isfinite(window).sum(axis=1)
    half = np.maximum(count - 1, 0)
    pick = np.arange(len(rows))
    middle = (window[pick, half // 2] + window[pick, (half + 1) // 2]) / 2
    return np.where(count >= max(min_count, 1), middle, np.nan)


def session_median(day: Ints, values: Floats) -> Floats:
    """Return for each row the median over all rows of its day, NaN ignored."""
    result = np.full(len(values), np.nan)
    for rows in rows_by_session(day):
        present = values[rows]
        present = present[~np.isnan(present)]
        if len(present):
            result[rows] = np.median(present)
    return result


def rows_by_session(day: Ints) -> list[Ints]:
    """Return the rows of each day with any, days and rows ascending; `day` counts trading days."""
    short = day.astype(np.uint16)  # enough for centuries; 16-bit integers are sorted in one pass
    order = np.argsort(short, kind="stable")
    ordered = short[order]
    return np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1) if len(day) else []
