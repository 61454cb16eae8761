"""Assemble the panel: aligned arrays of sessions × companies from the rows that were known at the cut.

Every row of the panel is the same however many rows stand before it, and never depends on one that stands after it.
Reads nothing from disk; what is handed in is already cut at the session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.panel.companies import Lines, lines_as_of
from tasks.data.panel.universe import decide_members
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import Days, Mask, Matrix, Panel, PanelRules
from tasks.data.schema.tables import OHLCV

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NO_SECTOR = "Unknown"
BY_SESSION_AND_SYMBOL = (
    *("open", "high", "low", "close", "volume"),
    *("raw_close", "dollar_volume", "is_member"),
)
BY_SESSION = ("sessions", "market", "volatility_index", "risk_free")
BY_SYMBOL = ("symbols", "sector", "cap_class", "name")
FILING_LASTS = np.timedelta64(456, "D")  # fifteen months: who reports once a year may be three months late


@dataclass(frozen=True)
class _Grid:
    """Rows and columns that are filled: sessions from the look-back on, and the lines with a bar in the window."""

    sessions: Days
    lines: Ints  # line of each column
    column_of: Ints  # column of each line, −1 for those left out

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.sessions), len(self.lines)


def assemble(
    bars: BarColumns,
    tables: Mapping[str, pd.DataFrame],
    sessions: Days,
    *,
    start: int,
    lookback: int,
    rules: PanelRules,
) -> Panel:
    """Return the panel of `sessions[start:]`; bars reach back to `sessions[lookback]` for trailing figures."""
    lines = lines_as_of(tables["lives"], tables["renames"])
    parts = [bars, _columns(tables["amendments"], since=sessions[lookback])]
    line = [lines.of_rows(part.symbols, part.code, part.day) for part in parts]
    grid = _grid(sessions[lookback:], parts, line, first=start - lookback, count=len(lines.names))
    cells = [_cells(grid, part, lines) for part, lines in zip(parts, line, strict=True)]
    raw = {name: _scatter(grid, parts, cells, name) for name in OHLCV}

    total, split = _cumulative(grid, tables["actions"], lines)
    dollar_volume = raw["close"] * raw["volume"]
    age = _age(grid, lines, sessions, lookback)
    member = decide_members(
        raw["close"],
        dollar_volume,
        in_index=_in_index(grid, tables["members"], lines),
        quarantined=_quarantined(
            grid, tables["findings"], lines, sessions, lookback, rules.quarantine_sessions
        ),
        age=age,
        rules=rules,
    )
    keep = slice(start - lookback, None)
    window = grid.sessions[keep]
    sector, cap_class, name = _listings(grid, tables["listings"], lines)
    return Panel(
        sessions=window,
        symbols=lines.names[grid.lines],
        **{field: (raw[field] * total)[keep] for field in ("open", "high", "low", "close")},
        volume=(raw["volume"] / split)[keep],
        raw_close=raw["close"][keep],
        dollar_volume=dollar_volume[keep],
        is_member=member[keep],
        market=_market(tables["levels"], rules.benchmark, window),
        volatility_index=_level(tables["levels"], rules.volatility_index, window),
        sector=sector,
        cap_class=cap_class,
        name=name,
        fundamentals=_fundamentals(grid, tables["fundamentals"], lines, window)
        if "fundamentals" in tables
        else {},
        risk_free=_risk_free(tables["riskfree"], window),
    )


def last_sessions(panel: Panel, window: int) -> Panel:
    """Return the last sessions of a panel of prices as if no more had been read: who has no bar in them falls away."""
    rows = slice(max(0, len(panel.sessions) - window), None)
    has_bar = np.isfinite(panel.raw_close[rows]).any(axis=0)
    by_both = {name: getattr(panel, name)[rows] for name in BY_SESSION_AND_SYMBOL}
    by_symbol = {name: getattr(panel, name) for name in BY_SYMBOL}
    if not has_bar.all():
        by_both = {name: np.compress(has_bar, values, axis=1) for name, values in by_both.items()}
        by_symbol = {name: values[has_bar] for name, values in by_symbol.items()}
    return replace(panel, **by_both, **by_symbol, **{name: getattr(panel, name)[rows] for name in BY_SESSION})


def read_only(panel: Panel) -> Panel:
    """Return the panel of prices with arrays that nobody can change."""
    for name in (*BY_SESSION_AND_SYMBOL, *BY_SYMBOL, *BY_SESSION):
        getattr(panel, name).flags.writeable = False
    return panel


def _columns(frame: pd.DataFrame, *, since: np.datetime64) -> BarColumns:
    recent = frame[frame["session"] >= pd.Timestamp(since)]
    code, symbols = pd.factorize(recent["symbol"].to_numpy(dtype=object))
    return BarColumns(
        np.asarray(symbols, dtype=str),
        code.astype(np.int64),
        _days(recent["session"]),
        {name: recent[name].to_numpy(dtype=np.float64) for name in OHLCV},
    )


def _grid(sessions: Days, parts: list[BarColumns], line: list[Ints], *, first: int, count: int) -> _Grid:
    has_bar = np.zeros(count, dtype=bool)
    for part, lines in zip(parts, line, strict=True):
        inside = (part.day >= sessions[first]) & (lines >= 0)
        has_bar[lines[inside]] = True
    chosen = np.flatnonzero(has_bar)
    column_of = np.full(count, -1, dtype=np.int64)
    column_of[chosen] = np.arange(len(chosen))
    return _Grid(sessions, chosen, column_of)


def _cells(grid: _Grid, part: BarColumns, line: Ints) -> tuple[Mask, Ints]:
    """Tell which bars lie on the grid, and in which cell of it, counted row by row."""
    row = rows_of(grid.sessions, part.day)
    column = np.where(line >= 0, grid.column_of[line], -1)
    fits = (row >= 0) & (column >= 0)
    return fits, (row * grid.shape[1] + column)[fits]


def _scatter(grid: _Grid, parts: list[BarColumns], cells: list[tuple[Mask, Ints]], name: str) -> Matrix:
    """Lay the bars, and over them the amended ones, on the grid; NaN where there is none."""
    flat = np.full(grid.shape[0] * grid.shape[1], np.nan)
    for part, (fits, cell) in zip(parts, cells, strict=True):
        flat[cell] = part.figures[name] if fits.all() else part.figures[name][fits]
    return flat.reshape(grid.shape)


def rows_of(sessions: Days, days: Days) -> Ints:
    """Return the row of each day among the sessions, −1 where it is none of them."""
    if len(sessions) == 0:
        return np.full(len(days), -1, dtype=np.int64)
    table = np.full(int((sessions[-1] - sessions[0]).astype(np.int64)) + 1, -1, dtype=np.int64)
    table[(sessions - sessions[0]).astype(np.int64)] = np.arange(len(sessions))
    offset = (days - sessions[0]).astype(np.int64)
    inside = (offset >= 0) & (offset < len(table))
    return np.where(inside, table[np.where(inside, offset, 0)], -1)


def _cumulative(grid: _Grid, actions: pd.DataFrame, lines: Lines) -> tuple[Matrix, Matrix]:
    """Return the products of total-return factors and of splits up to each row, counted from each listing."""
    total, split = np.ones(grid.shape), np.ones(grid.shape)
    if len(actions) and total.size:
        line, day = lines.of_frame(actions, "session"), _days(actions["session"])
        column = np.where(line >= 0, grid.column_of[line], -1)
        fits = (column >= 0) & (day > lines.first[line])
        order = np.lexsort((column[fits], day[fits]))
        column, day = column[fits][order], day[fits][order]
        row = np.searchsorted(grid.sessions, day)  # earlier than the grid: all on its first row, in order
        inside = row < len(grid.sessions)
        if not len(day):
            return total, split
        starts = np.flatnonzero(np.r_[True, (day[1:] != day[:-1]) | (column[1:] != column[:-1])][: len(day)])
        cells = row[starts][inside[starts]], column[starts][inside[starts]]
        for matrix, name in ((total, "factor"), (split, "split")):
            value = np.multiply.reduceat(actions[name].to_numpy(dtype=np.float64)[fits][order], starts)
            np.multiply.at(matrix, cells, value[inside[starts]])  # in order: a window gives the same bits
            np.cumprod(matrix, axis=0, out=matrix)
    return total, split


def _age(grid: _Grid, lines: Lines, sessions: Days, lookback: int) -> Ints:
    first = np.searchsorted(sessions, lines.first[grid.lines])
    rows = np.arange(len(grid.sessions)) + lookback
    return rows[:, None] - first[None, :] + 1


def _in_index(grid: _Grid, members: pd.DataFrame, lines: Lines) -> Mask:
    """Tell who is in the index; everyone is, before the first spell begins or where there are none."""
    inside = np.zeros(grid.shape, dtype=bool)
    if members.empty:
        return ~inside
    starts, ends = _days(members["start"]), _days(members["end"])
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


def _quarantined(
    grid: _Grid, findings: pd.DataFrame, lines: Lines, sessions: Days, lookback: int, length: int
) -> Mask:
    """Tell who has a finding on the session or on one of the `length` sessions before."""
    out = np.zeros(grid.shape, dtype=bool)
    serious = findings[findings["severity"] == "quarantine"]
    line, day = lines.of_frame(serious, "session"), _days(serious["session"])
    row = np.searchsorted(sessions, day) - lookback
    column = np.where(line >= 0, grid.column_of[line], -1)
    for r, c in zip(row[column >= 0], column[column >= 0], strict=True):
        out[max(r, 0) : max(r + length + 1, 0), c] = True
    return out


def _listings(
    grid: _Grid, listings: pd.DataFrame, lines: Lines
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    """Return sector, cap class and name of each column, as last published."""
    count = len(lines.names)
    texts: dict[str, list[str]] = {
        "sector": [NO_SECTOR] * count,
        "cap_class": [""] * count,
        "name": [""] * count,
    }
    ordered = listings.sort_values(["available_date", "symbol"], kind="stable")
    fields = zip(
        ordered["symbol"].astype(str),
        _days(ordered["available_date"]),
        *(ordered[f] for f in texts),
        strict=True,
    )
    for symbol, day, *values in fields:
        firsts = lines.firsts_of.get(symbol)
        if firsts is None:
            continue
        # undated, that is older than the symbol's first bar: true of everyone who bears it
        who = lines.lines_of[symbol]
        if day >= firsts[0]:
            who = who[[np.searchsorted(firsts, day, side="right") - 1]]
        for field, value in zip(texts, values, strict=True):
            for line in who:
                texts[field][line] = str(value) or texts[field][line]
    return tuple(np.array(texts[field], dtype=str)[grid.lines] for field in texts)  # type: ignore[return-value]


def _fundamentals(grid: _Grid, frame: pd.DataFrame, lines: Lines, window: Days) -> dict[str, Matrix]:
    """Return each figure of the latest period that was public by each session, until it is too old to mean anything."""
    figures = [
        name for name in frame.columns if name not in {"symbol", "end_date", "available_date", "known"}
    ]
    if not figures:
        return {}
    line = lines.of_frame(frame, "available_date")
    column = np.where(line >= 0, grid.column_of[line], -1)
    public = np.maximum(_days(frame["available_date"]), _days(frame["known"]))
    period = _days(frame["end_date"])
    order = np.lexsort((period, public, column))
    order = order[column[order] >= 0]
    events = pd.DataFrame({"column": column[order], "period": period[order].astype(np.int64)})
    newest = events.groupby("column")["period"].cummax() == events["period"]
    order, events = order[newest], events[newest]
    values = (
        frame[figures].iloc[order].groupby(events["column"].to_numpy()).ffill().to_numpy(dtype=np.float64)
    )
    at = np.full((len(window), grid.shape[1]), -1, dtype=np.int64)
    bounds = np.searchsorted(events["column"].to_numpy(), np.arange(grid.shape[1] + 1))
    for c, (a, b) in enumerate(pairwise(bounds.tolist())):
        since = public[order[a:b]]
        last = np.searchsorted(since, window, side="right") - 1
        is_recent = last >= 0
        is_recent[is_recent] = window[is_recent] - since[last[is_recent]] <= FILING_LASTS
        at[:, c] = np.where(is_recent, a + last, -1)
    return {
        name: np.where(at >= 0, values[at, i], np.nan) if len(values) else np.full(at.shape, np.nan)
        for i, name in enumerate(figures)
    }


def _market(levels: pd.DataFrame, name: str, window: Days) -> Floats:
    """Return the benchmark with distributions put back in, counted forward from its first level."""
    one = levels[levels["name"] == name].sort_values("session")
    if one.empty:
        return np.full(len(window), np.nan)
    growth = one["growth"].to_numpy(dtype=np.float64).copy()
    growth[0] = one["close"].iloc[0]
    return _aligned(_days(one["session"]), np.cumprod(growth), window)


def _level(levels: pd.DataFrame, name: str, window: Days) -> Floats:
    one = levels[levels["name"] == name].sort_values("session")
    return _aligned(_days(one["session"]), one["close"].to_numpy(dtype=np.float64), window)


def _aligned(days: Days, values: Floats, window: Days) -> Floats:
    result = np.full(len(window), np.nan)
    row = rows_of(window, days)
    result[row[row >= 0]] = values[row >= 0]
    return result


def _risk_free(frame: pd.DataFrame, window: Days) -> Floats:
    """Return the last published yield as a fraction; 0 before the first."""
    known = frame[np.isfinite(frame["yield_pct"])].sort_values("session")
    last = np.searchsorted(_days(known["session"]), window, side="right") - 1
    values: Floats = np.r_[0.0, known["yield_pct"].to_numpy(dtype=np.float64) / 100.0]
    result: Floats = values[last + 1]
    return result


def _days(column: pd.Series) -> Days:
    return column.to_numpy().astype("datetime64[D]")
