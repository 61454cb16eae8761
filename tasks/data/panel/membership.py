"""Tell who is in the index, who is in quarantine, and for how long a company has been listed."""

import numpy as np
import pandas as pd

from tasks.data.panel.companies import Lines
from tasks.data.panel.grid import Grid, Ints, days_of
from tasks.data.schema.records import Days, Mask


def in_index(grid: Grid, members: pd.DataFrame, lines: Lines) -> Mask:
    """Tell who is in the index; everyone is, before the first spell begins or where there are none."""
    inside = np.zeros(grid.shape, dtype=bool)
    if members.empty:
        return ~inside
    starts, ends = days_of(members["start"]), days_of(members["end"])
    never = np.datetime64("9999-12-31")
    for symbol, start, end in zip(members["symbol"].astype(str), starts, ends, strict=True):
        firsts = lines.firsts_of.get(symbol, ())
        for life, line in enumerate(lines.lines_of.get(symbol, ())):
            column = grid.column_of[line]
            if column < 0:
                continue
            # the spell speaks of whoever bears the symbol at the time
            begin = start if life == 0 else max(start, firsts[life])
            stop = never if np.isnat(end) else end
            stop = min(stop, firsts[life + 1]) if life + 1 < len(firsts) else stop
            rows = slice(*np.searchsorted(grid.sessions, np.array([begin, stop], dtype="datetime64[D]")))
            inside[rows, column] = True
    inside[: np.searchsorted(grid.sessions, starts.min())] = True
    return inside


def quarantined(
    grid: Grid, findings: pd.DataFrame, lines: Lines, sessions: Days, lookback: int, length: int
) -> Mask:
    """Tell who has a finding on the session or on one of the `length` sessions before."""
    out = np.zeros(grid.shape, dtype=bool)
    serious = findings[findings["severity"] == "quarantine"]
    line, day = lines.of_frame(serious, "session"), days_of(serious["session"])
    row = np.searchsorted(sessions, day) - lookback
    column = np.where(line >= 0, grid.column_of[line], -1)
    for r, c in zip(row[column >= 0], column[column >= 0], strict=True):
        out[max(r, 0) : max(r + length + 1, 0), c] = True
    return out


def session_age(grid: Grid, lines: Lines, sessions: Days, lookback: int) -> Ints:
    """Return how many sessions each company has been listed for, its first one included."""
    first = np.searchsorted(sessions, lines.first[grid.lines])
    rows = np.arange(len(grid.sessions)) + lookback
    return rows[:, None] - first[None, :] + 1
