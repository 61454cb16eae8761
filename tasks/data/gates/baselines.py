"""Say what was usual for a name before a bar: medians over its bars of the sessions before, the bar itself left out.

Only the rows that are asked for are looked at, so that asking about a few of millions costs little.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def usual(values: Floats, code: Ints, day: Ints, rows: Ints, *, sessions: int, least: int) -> Floats:
    """Return the median over the `sessions` before each row; NaN where fewer than `least` values are there.

    Rows are sorted by symbol code and day; `day` counts trading days.
    """
    if len(rows) == 0:
        return np.zeros(0)
    before = rows[:, None] - np.arange(1, sessions + 1)
    place = np.maximum(before, 0)
    counts = (before >= 0) & (code[place] == code[rows, None]) & (day[rows, None] - day[place] <= sessions)
    window = np.sort(np.where(counts, values[place], np.nan), axis=1)  # missing values come last
    count = np.isfinite(window).sum(axis=1)
    half = np.maximum(count - 1, 0)
    pick = np.arange(len(rows))
    middle = (window[pick, half // 2] + window[pick, (half + 1) // 2]) / 2
    return np.where(count >= max(least, 1), middle, np.nan)


def by_session(day: Ints, values: Floats) -> Floats:
    """Return for each row the median of all rows of its day; missing values do not count."""
    result = np.full(len(values), np.nan)
    for rows in rows_by_session(day):
        there = values[rows]
        there = there[~np.isnan(there)]
        if len(there):
            result[rows] = np.median(there)
    return result


def rows_by_session(day: Ints) -> list[Ints]:
    """Return the rows of each day that has some, days and rows in order; `day` counts trading days."""
    short = day.astype(np.uint16)  # centuries of trading days; numbers this short are sorted in one pass
    order = np.argsort(short, kind="stable")
    ordered = short[order]
    return np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1) if len(day) else []
