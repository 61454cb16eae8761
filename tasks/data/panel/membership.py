"""Determine index membership, quarantine and age of each company by session."""

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex, renames_from, successor
from tasks.data.panel.grid import Grid, Ints, days_of
from tasks.data.schema.records import Days, Mask


def in_index(grid: Grid, members: pd.DataFrame, renames: pd.DataFrame, companies: CompanyIndex) -> Mask:
    """Return index membership (sessions × companies); all True without spells and before the first one.

    A spell under a symbol without bars belongs to the company that was renamed from it.
    """
    inside = np.zeros(grid.shape, dtype=bool)
    if members.empty:
        return ~inside
    starts, ends = days_of(members["start"]), days_of(members["end"])
    never = np.datetime64("9999-12-31")
    renamed = renames_from(renames)
    for written, start, end in zip(members["symbol"].astype(str), starts, ends, strict=True):
        symbol = successor(written, start, renamed, companies.companies_of)
        firsts = companies.life_starts.get(symbol, ())
        for life, company in enumerate(companies.companies_of.get(symbol, ())):
            column = grid.column_of[company]
            if column < 0:
                continue
            # the spell belongs to the company that has the symbol at the time
            begin = start if life == 0 else max(start, firsts[life])
            stop = never if np.isnat(end) else end
            stop = min(stop, firsts[life + 1]) if life + 1 < len(firsts) else stop
            rows = slice(*np.searchsorted(grid.sessions, np.array([begin, stop], dtype="datetime64[D]")))
            inside[rows, column] = True
    inside[: np.searchsorted(grid.sessions, starts.min())] = True
    return inside


def quarantined(
    grid: Grid, findings: pd.DataFrame, companies: CompanyIndex, sessions: Days, lookback: int, length: int
) -> Mask:
    """Return which companies have a quarantine finding on the session or on the `length` sessions before."""
    out = np.zeros(grid.shape, dtype=bool)
    serious = findings[findings["severity"] == "quarantine"]
    company, day = companies.of_frame(serious, "session"), days_of(serious["session"])
    row = np.searchsorted(sessions, day) - lookback
    column = np.where(company >= 0, grid.column_of[company], -1)
    for r, c in zip(row[column >= 0], column[column >= 0], strict=True):
        out[max(r, 0) : max(r + length + 1, 0), c] = True
    return out


def session_age(grid: Grid, companies: CompanyIndex, sessions: Days, lookback: int) -> Ints:
    """Return the number of sessions since each company's first, which counts as 1."""
    first = np.searchsorted(sessions, companies.first[grid.companies])
    rows = np.arange(len(grid.sessions)) + lookback
    return rows[:, None] - first[None, :] + 1
