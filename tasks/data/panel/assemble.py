"""Assemble the panel without fundamentals: aligned arrays of sessions × companies from the rows known at the session.

A row of the panel depends neither on the length of the window before it nor on any later row. No I/O; the inputs
contain nothing later than the session.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex, company_index
from tasks.data.panel.grid import Grid, Ints, cells_of, days_of, grid_of, scatter
from tasks.data.panel.levels import level_of, market_level, risk_free_rate
from tasks.data.panel.listings import listed_facts, sectors_by_session
from tasks.data.panel.membership import in_index, quarantined, session_age
from tasks.data.panel.universe import decide_members
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import Days, Matrix, Panel, PanelRules
from tasks.data.schema.tables import OHLCV

BY_SESSION_AND_SYMBOL = (
    *("open", "high", "low", "close", "volume"),
    *("raw_close", "dollar_volume", "is_member", "sector_at"),
)
BY_SESSION = ("sessions", "market", "volatility_index", "risk_free")
BY_SYMBOL = ("symbols", "company", "sector", "cap_class", "name")


def assemble(
    bars: BarColumns,
    tables: Mapping[str, pd.DataFrame],
    sessions: Days,
    *,
    start: int,
    lookback: int,
    rules: PanelRules,
) -> Panel:
    """Return the panel of `sessions[start:]`; bars reach back to `sessions[lookback]` for trailing windows."""
    companies = company_index(tables["lives"], tables["renames"])
    parts = [bars, amended_bars(tables["amendments"], since=sessions[lookback])]
    company = [companies.of_rows(part.symbols, part.code, part.day) for part in parts]
    grid = _grid(sessions[lookback:], parts, company, companies, first=start - lookback)
    cells = [cells_of(grid, part, of_rows) for part, of_rows in zip(parts, company, strict=True)]
    raw = {name: scatter(grid, parts, cells, name) for name in OHLCV}

    total, split = cumulative_factors(grid, tables["actions"], companies)
    dollar_volume = raw["close"] * raw["volume"]
    age = session_age(grid, companies, sessions, lookback)
    member = decide_members(
        raw["close"],
        dollar_volume,
        in_index=in_index(grid, tables["members"], tables["renames"], companies),
        quarantined=quarantined(
            grid, tables["findings"], companies, sessions, lookback, rules.quarantine_sessions
        ),
        age=age,
        rules=rules,
    )
    keep = slice(start - lookback, None)
    window = grid.sessions[keep]
    sector, cap_class, name = listed_facts(grid, tables["listings"], companies)
    return Panel(
        sessions=window,
        symbols=companies.names[grid.companies],
        company=companies.ids[grid.companies],
        **{field: (raw[field] * total)[keep] for field in ("open", "high", "low", "close")},
        volume=(raw["volume"] / split)[keep],
        raw_close=raw["close"][keep],
        dollar_volume=dollar_volume[keep],
        is_member=member[keep],
        market=market_level(tables["levels"], rules.benchmark, window),
        volatility_index=level_of(tables["levels"], rules.volatility_index, window),
        sector=sector,
        sector_at=sectors_by_session(grid, tables["listings"], companies)[keep],
        cap_class=cap_class,
        name=name,
        fundamentals={},
        risk_free=risk_free_rate(tables["riskfree"], window),
    )


def last_sessions(panel: Panel, window: int) -> Panel:
    """Return the last `window` sessions of a price panel, with the companies that have a bar in them."""
    rows = slice(max(0, len(panel.sessions) - window), None)
    has_bar = np.isfinite(panel.raw_close[rows]).any(axis=0)
    by_both = {name: getattr(panel, name)[rows] for name in BY_SESSION_AND_SYMBOL}
    by_symbol = {name: getattr(panel, name) for name in BY_SYMBOL}
    if not has_bar.all():
        by_both = {name: np.compress(has_bar, values, axis=1) for name, values in by_both.items()}
        by_symbol = {name: values[has_bar] for name, values in by_symbol.items()}
    return replace(panel, **by_both, **by_symbol, **{name: getattr(panel, name)[rows] for name in BY_SESSION})


def sessions_of(panel: Panel, rows: slice) -> Panel:
    """Return the panel of these rows alone, with every company."""
    by_session = {name: getattr(panel, name)[rows] for name in (*BY_SESSION_AND_SYMBOL, *BY_SESSION)}
    fundamentals = {name: values[rows] for name, values in panel.fundamentals.items()}
    return replace(panel, **by_session, fundamentals=fundamentals)


def read_only(panel: Panel) -> Panel:
    """Return the price panel with read-only arrays."""
    for name in (*BY_SESSION_AND_SYMBOL, *BY_SYMBOL, *BY_SESSION):
        getattr(panel, name).flags.writeable = False
    return panel


def amended_bars(frame: pd.DataFrame, *, since: np.datetime64) -> BarColumns:
    """Return the rows of `amendments` from a day on as columns."""
    recent = frame[frame["session"] >= pd.Timestamp(since)]
    code, symbols = pd.factorize(recent["symbol"].to_numpy(dtype=object))
    return BarColumns(
        np.asarray(symbols, dtype=str),
        code.astype(np.int64),
        days_of(recent["session"]),
        {name: recent[name].to_numpy(dtype=np.float64) for name in OHLCV},
    )


def _grid(
    sessions: Days, parts: list[BarColumns], company: list[Ints], companies: CompanyIndex, *, first: int
) -> Grid:
    has_bar = np.zeros(len(companies.ids), dtype=bool)
    for part, of_rows in zip(parts, company, strict=True):
        inside = (part.day >= sessions[first]) & (of_rows >= 0)
        has_bar[of_rows[inside]] = True
    return grid_of(sessions, np.flatnonzero(has_bar), companies)


def cumulative_factors(grid: Grid, actions: pd.DataFrame, companies: CompanyIndex) -> tuple[Matrix, Matrix]:
    """Return the cumulative products of total-return factors and of splits, from each listing on."""
    total, split = np.ones(grid.shape), np.ones(grid.shape)
    if len(actions) and total.size:
        company, day = companies.of_frame(actions, "session"), days_of(actions["session"])
        column = np.where(company >= 0, grid.column_of[company], -1)
        fits = (column >= 0) & (day > companies.first[company])
        order = np.lexsort((column[fits], day[fits]))
        column, day = column[fits][order], day[fits][order]
        row = np.searchsorted(grid.sessions, day)  # days before the grid fall on its first row, in order
        inside = row < len(grid.sessions)
        if not len(day):
            return total, split
        starts = np.flatnonzero(np.r_[True, (day[1:] != day[:-1]) | (column[1:] != column[:-1])][: len(day)])
        cells = row[starts][inside[starts]], column[starts][inside[starts]]
        for matrix, name in ((total, "factor"), (split, "split")):
            value = np.multiply.reduceat(actions[name].to_numpy(dtype=np.float64)[fits][order], starts)
            np.multiply.at(
                matrix, cells, value[inside[starts]]
            )  # in a fixed order: every window gives the same bits
            np.cumprod(matrix, axis=0, out=matrix)
    return total, split
