"""The grid that a panel is filled on: sessions by companies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Rows and columns that are filled: sessions from the look-back on, and the lines with a bar in the window."""

    sessions: Days
    lines: Ints  # line of each column
    column_of: Ints  # column of each line, −1 for those left out

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.sessions), len(self.lines)


def rows_of(sessions: Days, days: Days) -> Ints:
    """Return the row of each day among the sessions, −1 where it is none of them."""
    if len(sessions) == 0:
        return np.full(len(days), -1, dtype=np.int64)
    table = np.full(int((sessions[-1] - sessions[0]).astype(np.int64)) + 1, -1, dtype=np.int64)
    table[(sessions - sessions[0]).astype(np.int64)] = np.arange(len(sessions))
    offset = (days - sessions[0]).astype(np.int64)
    inside = (offset >= 0) & (offset < len(table))
    return np.where(inside, table[np.where(inside, offset, 0)], -1)


def aligned(days: Days, values: Floats, window: Days) -> Floats:
    """Return the value of each session of the window; NaN where there is none."""
    result = np.full(len(window), np.nan)
    row = rows_of(window, days)
    result[row[row >= 0]] = values[row >= 0]
    return result


def days_of(column: pd.Series) -> Days:
    """Return a column of dates as days."""
    return column.to_numpy().astype("datetime64[D]")
