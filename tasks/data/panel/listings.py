"""Assign the published facts of a listing (sector, cap class, name) to companies."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.grid import Grid, Ints, days_of
from tasks.data.schema.columns import ALWAYS

NO_SECTOR = "Unknown"
NO_DATED_SECTOR = -1


def listed_facts(
    grid: Grid, listings: pd.DataFrame, companies: CompanyIndex
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    """Return sector, cap class and name of each column, as last published."""
    count = len(companies.names)
    texts: dict[str, list[str]] = {
        "sector": [NO_SECTOR] * count,
        "cap_class": [""] * count,
        "name": [""] * count,
    }
    ordered = listings.sort_values(["available_date", "symbol"], kind="stable")
    for field, values in texts.items():
        for _, holders, value in _published(ordered, field, companies):
            for company in holders:
                values[company] = value
    return tuple(np.array(texts[field], dtype=str)[grid.companies] for field in texts)  # type: ignore[return-value]


def sectors_by_session(grid: Grid, listings: pd.DataFrame, companies: CompanyIndex) -> NDArray[np.int8]:
    """Return a number for each company's sector as of each session; NO_DATED_SECTOR where it had no date.

    An undated sector is today's: used for a past session, it would be knowledge of the future.
    """
    sector_at = np.full(grid.shape, NO_DATED_SECTOR, dtype=np.int8)
    ordered = listings.sort_values(["available_date", "symbol"], kind="stable")
    dated = ordered[ordered["available_date"] > ALWAYS]
    number = {name: code for code, name in enumerate(sorted(set(dated["sector"])))}
    for day, holders, sector in _published(dated, "sector", companies):
        row = int(np.searchsorted(grid.sessions, day))
        columns = grid.column_of[holders]
        sector_at[row:, columns[columns >= 0]] = number[sector]
    return sector_at


def _published(
    ordered: pd.DataFrame, field: str, companies: CompanyIndex
) -> Iterator[tuple[np.datetime64, Ints, str]]:
    """Yield day, companies and value of every listing that states the field, oldest first."""
    stated = ordered[ordered[field].astype(str) != ""]
    columns = stated["symbol"].astype(str), days_of(stated["available_date"]), stated[field].astype(str)
    for symbol, day, value in zip(*columns, strict=True):
        yield day, holders_of(symbol, day, companies), value


def holders_of(symbol: str, day: np.datetime64, companies: CompanyIndex) -> Ints:
    """Return the company with the symbol on the day, or every company that has had it when none had it by then."""
    firsts = companies.life_starts.get(symbol)
    if firsts is None:
        return np.zeros(0, dtype=np.int64)
    holders = companies.companies_of[symbol]
    return holders if day < firsts[0] else holders[[np.searchsorted(firsts, day, side="right") - 1]]
