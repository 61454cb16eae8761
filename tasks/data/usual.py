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
    import pandas as pd

    frame = pd.DataFrame({"day": day, "value": values})
    return frame.groupby("day")["value"].transform("median").to_numpy(dtype=np.float64)
