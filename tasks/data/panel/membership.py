"""Determine index membership, quarantine and age of each company by session."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex, renames_from, successor
from tasks.data.panel.grid import Grid, Ints, days_of
from tasks.data.schema.finding_rows import serious_findings
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
        for column, rows in spell_cells(grid, symbol, start, never if np.isnat(end) else end, companies):
            inside[rows, column] = True
    inside[: np.searchsorted(grid.sessions, starts.min())] = True
    return inside


def spell_cells(
    grid: Grid, symbol: str, start: np.datetime64, end: np.datetime64, companies: CompanyIndex
) -> Iterator[tuple[int, slice]]:
    """Yield the column and the rows of each company that had the symbol between two days, the second excluded."""
    firsts = companies.life_starts.get(symbol, ())
    for life, company in enumerate(companies.companies_of.get(symbol, ())):
        column = int(grid.column_of[company])
        if column < 0:
            continue
        begin = start if life == 0 else max(start, firsts[life])
        stop = min(end, firsts[life + 1]) if life + 1 < len(firsts) else end
        yield column, slice(*np.searchsorted(grid.sessions, np.array([begin, stop], dtype="datetime64[D]")))


def quarantined(
    grid: Grid, findings: pd.DataFrame, companies: CompanyIndex, sessions: Days, lookback: int, length: int
) -> Mask:
    """Return which companies are in quarantine after a finding on the session or up to `length` sessions before."""
    out = np.zeros(grid.shape, dtype=bool)
    serious = serious_findings(findings)
    company = companies.of_frame(serious, "session")
    first, last = (row - lookback for row in quarantine_rows(serious, sessions, length))
    column = np.where(company >= 0, grid.column_of[company], -1)
    for c in np.flatnonzero(column >= 0).tolist():
        out[max(first[c], 0) : max(last[c] + 1, 0), column[c]] = True
    return out


def quarantine_rows(serious: pd.DataFrame, sessions: Days, length: int) -> tuple[Ints, Ints]:
    """Return the first and the last row on which each serious finding keeps its name in quarantine.

    A finding of a closed day counts from the next session on; one of severity "stop", on its own session only.
    """
    first = np.searchsorted(sessions, days_of(serious["session"])).astype(np.int64)
    return first, first + np.where(serious["severity"] == "stop", 0, length)


def session_age(grid: Grid, companies: CompanyIndex, sessions: Days, lookback: int) -> Ints:
    """Return the number of sessions since each company's first, which counts as 1."""
    first = np.searchsorted(sessions, companies.first[grid.companies])
    rows = np.arange(len(grid.sessions)) + lookback
    return rows[:, None] - first[None, :] + 1
