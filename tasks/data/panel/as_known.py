"""Date stored rows by when they became known, so that every session of a history sees only what was known then.

A panel is read as of one session. A backtest needs every session as of its own close: rows known on their own day count
from that day on, and rows that came later (restatements, corrected lists) from the session on which they were known.
Row `t` of each result equals the last row of a panel as of session `t`. The tables hold every revision up to the last
session, as `read_table` returns them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.panel.companies import CompanyIndex, renames_from, successor
from tasks.data.panel.grid import Grid, Ints, days_of
from tasks.data.panel.listings import holders_of
from tasks.data.panel.membership import quarantine_rows, spell_cells
from tasks.data.schema.finding_rows import serious_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.tables import SPECS

NEVER = np.datetime64("9999-12-31")
KNOWN_ROW = "known_row"


class Dated(NamedTuple):
    """Values as codes by session and company; `names[code]` is the value. Names are sorted."""

    codes: NDArray[np.int16]
    names: tuple[str, ...]


def row_of(days: Days, sessions: Days) -> Ints:
    """Return the first session, as a row, on or after each day; the number of sessions after the last."""
    return np.searchsorted(sessions, days).astype(np.int64)


def in_known_order(frame: pd.DataFrame, sessions: Days) -> pd.DataFrame:
    """Return the rows in the order they became known, with the row of the session from which each counts."""
    order = ["known", "revision"] if "revision" in frame.columns else ["known"]
    ordered = frame.sort_values(order, kind="stable")
    return ordered.assign(**{KNOWN_ROW: row_of(days_of(ordered["known"]), sessions)})


def split_by_lateness(frame: pd.DataFrame, name: str, sessions: Days) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a table known by the close of their own session, one per key, and those known later."""
    ordered = in_known_order(frame, sessions)
    is_late = ordered[KNOWN_ROW].to_numpy() > row_of(days_of(ordered[SPECS[name].day]), sessions)
    on_time = ordered[~is_late].drop_duplicates(list(SPECS[name].key), keep="last")
    return on_time, ordered[is_late]


def members_by_session(
    grid: Grid, members: pd.DataFrame, renames: pd.DataFrame, companies: CompanyIndex
) -> Mask:
    """Return index membership as known at each session; all True until the first spell is known."""
    inside = np.zeros(grid.shape, dtype=bool)
    if members.empty:
        return ~inside
    spells = in_known_order(members, grid.sessions)
    until = spells.groupby(["symbol", "start"], sort=False)[KNOWN_ROW].shift(
        -1, fill_value=len(grid.sessions)
    )
    columns = spells["symbol"].astype(str), days_of(spells["start"]), days_of(spells["end"])
    chains = _Chains(renames, grid.sessions, companies)
    for written, start, end, since, before in zip(*columns, spells[KNOWN_ROW], until, strict=True):
        symbol, mapped_from = chains.bars_of(written, start)
        stop = NEVER if np.isnat(end) else end
        for column, rows in spell_cells(grid, symbol, start, stop, companies):
            inside[max(rows.start, since, mapped_from) : min(rows.stop, before), column] = True
    inside[: spells[KNOWN_ROW].iloc[0]] = True
    return inside


def quarantine_by_session(
    grid: Grid, findings: pd.DataFrame, companies: CompanyIndex, *, length: int
) -> Mask:
    """Return which companies are in quarantine, from the session on which the finding was known."""
    out = np.zeros(grid.shape, dtype=bool)
    serious = in_known_order(serious_findings(findings), grid.sessions)
    first, last = quarantine_rows(serious, grid.sessions, length)
    company = companies.of_frame(serious, "session")
    column = np.where(company >= 0, grid.column_of[company], -1)
    begin = np.maximum(first, serious[KNOWN_ROW].to_numpy())
    for place in np.flatnonzero(column >= 0).tolist():
        out[begin[place] : last[place] + 1, column[place]] = True
    return out


def lost_by_session(findings: pd.DataFrame, sessions: Days) -> Mask:
    """Return which sessions the provider lost for many names, as known at their close (gates/bars/lost_sessions)."""
    on_time, _ = split_by_lateness(findings, "findings", sessions)
    lost: Mask = np.isin(sessions, days_of(on_time["session"])[(on_time["severity"] == "stop").to_numpy()])
    return lost


def listed_by_session(
    grid: Grid, listings: pd.DataFrame, companies: CompanyIndex, field: str, *, unknown: str
) -> Dated:
    """Return a field of the listings (sector, cap_class) as last published and known at each session."""
    stated = listings[listings[field].astype(str) != ""]
    stated = in_known_order(stated.sort_values(["available_date", "symbol"], kind="stable"), grid.sessions)
    values = stated[field].astype(str)
    names = tuple(sorted({unknown, *values}))
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.full(grid.shape, code_of[unknown], dtype=np.int16)
    newest = np.full(len(companies.names), np.datetime64("0001-01-01"), dtype="datetime64[D]")
    columns = stated["symbol"].astype(str), days_of(stated["available_date"]), values, stated[KNOWN_ROW]
    for symbol, day, value, since in zip(*columns, strict=True):
        for company in holders_of(symbol, day, companies).tolist():
            if day >= newest[company]:
                newest[company] = day
                if grid.column_of[company] >= 0:
                    codes[since:, grid.column_of[company]] = code_of[value]
    return Dated(codes, names)


class _Chains:
    """Find the symbol under which a given symbol's bars are stored, and the row from which its renames were known."""

    def __init__(self, renames: pd.DataFrame, sessions: Days, companies: CompanyIndex) -> None:
        self.traded = companies.companies_of
        ordered = in_known_order(renames, sessions)
        self.known_rows = sorted(set(ordered[KNOWN_ROW].tolist()))
        self.renames = [renames_from(ordered[ordered[KNOWN_ROW] <= row]) for row in self.known_rows]

    def bars_of(self, written: str, start: np.datetime64) -> tuple[str, int]:
        if written in self.traded:
            return written, 0
        for row, renames in zip(self.known_rows, self.renames, strict=True):
            symbol = successor(written, start, renames, self.traded)
            if symbol != written:
                return symbol, row
        return written, 0


def late_cells(
    grid: Grid, rows: pd.DataFrame, companies: CompanyIndex
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the place in `rows`, known row, row and column of each late row that is on the grid, in known order.

    A row about a day before the company's first bar is left out: the company may not have been known yet.
    """
    company = companies.of_frame(rows, "session") if len(rows) else np.zeros(0, dtype=np.int64)
    days = days_of(rows["session"])
    row = row_of(days, grid.sessions)
    for place, (c, day, r, known) in enumerate(zip(company, days, row, rows[KNOWN_ROW], strict=True)):
        is_on_grid = c >= 0 and grid.column_of[c] >= 0 and max(r, known) < len(grid.sessions)
        if is_on_grid and day >= companies.first[c]:
            yield place, int(known), int(r), int(grid.column_of[c])
