"""The grid of a panel: sessions × companies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.panel.companies import CompanyIndex
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import Days, Mask, Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Sessions from the look-back on, and the companies with a bar in the window."""

    sessions: Days
    companies: Ints  # company of each column
    column_of: Ints  # column of each company, −1 for those left out

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.sessions), len(self.companies)


def grid_of(sessions: Days, chosen: Ints, companies: CompanyIndex) -> Grid:
    """Return the grid of the chosen companies, in the order of their ids."""
    ordered = chosen[np.argsort(companies.ids[chosen])]
    column_of = np.full(len(companies.ids), -1, dtype=np.int64)
    column_of[ordered] = np.arange(len(ordered))
    return Grid(sessions, ordered, column_of)


def row_index(sessions: Days, days: Days) -> Ints:
    """Return the index of each day among the sessions, −1 where it is not a session."""
    if len(sessions) == 0:
        return np.full(len(days), -1, dtype=np.int64)
    table = np.full(int((sessions[-1] - sessions[0]).astype(np.int64)) + 1, -1, dtype=np.int64)
    table[(sessions - sessions[0]).astype(np.int64)] = np.arange(len(sessions))
    offset = (days - sessions[0]).astype(np.int64)
    inside = (offset >= 0) & (offset < len(table))
    return np.where(inside, table[np.where(inside, offset, 0)], -1)


def align(days: Days, values: Floats, window: Days) -> Floats:
    """Return the value on each session of the window; NaN where there is none."""
    result = np.full(len(window), np.nan)
    row = row_index(window, days)
    result[row[row >= 0]] = values[row >= 0]
    return result


def days_of(column: pd.Series) -> Days:
    """Return a date column as an array of days."""
    return column.to_numpy().astype("datetime64[D]")


def cells_of(grid: Grid, part: BarColumns, company: Ints) -> tuple[Mask, Ints]:
    """Return which bars are on the grid, and the flat index of the cell of each of those."""
    row = row_index(grid.sessions, part.day)
    column = np.where(company >= 0, grid.column_of[company], -1)
    fits = (row >= 0) & (column >= 0)
    return fits, (row * grid.shape[1] + column)[fits]


def scatter(grid: Grid, parts: list[BarColumns], cells: list[tuple[Mask, Ints]], name: str) -> Matrix:
    """Fill the grid with one field of the bars, later parts over earlier ones; NaN where there is none."""
    flat = np.full(grid.shape[0] * grid.shape[1], np.nan)
    for part, (fits, cell) in zip(parts, cells, strict=True):
        flat[cell] = part.ohlcv[name] if fits.all() else part.ohlcv[name][fits]
    return flat.reshape(grid.shape)
