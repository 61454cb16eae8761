"""The performance history, one row per session: compute a row and insert it.

Rows of other sessions are copied as text, byte for byte, except for the returns of the row after an inserted one. Reads
and writes no file.
"""

import io
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.errors import DataError
from tasks.core.ids import sha256_of_bytes
from tasks.portfolio.schema import Book
from tasks.reporting.day.cells import csv_bytes, csv_cell, fixed
from tasks.reporting.day.inputs import Backdrop, Records
from tasks.risk.ratios import net_levels, net_return

COLUMNS = ("date", "equity", "daily_return", "regime", "turnover", "cost", "exposure", "benchmark_return")
LEDGER_COLUMNS = ("net_flows", "receivable")  # only once there was a capital flow or a dividend due
Row = Mapping[str, str] | Mapping[str, float] | pd.Series


def parse_history(content: bytes | None, *, path: str) -> pd.DataFrame:
    """Read the rows as text, oldest first. Without a file the history is empty; an unreadable file is an error."""
    if content is None:
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    try:
        rows = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        _refuse_unusable(rows)
    except ValueError as error:
        raise DataError(
            f"{path} cannot be read: {error}.",
            remedy="Fix the row, or restore the file from a backup (`afterclose data restore`), then run again.",
            path=path,
        ) from error
    missing = {column: "" for column in COLUMNS if column not in rows}
    return rows.assign(**missing).sort_values("date", kind="stable", ignore_index=True)


def rows_before(history: pd.DataFrame, session: date) -> pd.DataFrame:
    """Return the rows before the session, so that a rerun does not see its own row."""
    return history[history["date"] < session.isoformat()].reset_index(drop=True)


def history_hash(rows: pd.DataFrame) -> str:
    """Return the hash of the rows a day was computed from."""
    return sha256_of_bytes(render_history(rows))


def session_row(session: date, records: Records, backdrop: Backdrop, before: pd.DataFrame) -> dict[str, str]:
    """Compute the session's row. Exposure is the invested fraction at the close, before the proposed trades.

    The return is net of capital flows and includes dividends from their ex-dates on.
    """
    book = records.portfolio.book
    daily_return = benchmark_return = 0.0
    if len(before):
        last = before.iloc[-1]
        daily_return = return_since(amounts(book), last)
        benchmark_return = backdrop.benchmark_return(date.fromisoformat(last["date"]), session)
    return {
        "date": session.isoformat(),
        "equity": fixed(book.equity_usd, 2),
        "daily_return": fixed(daily_return, 8),
        "regime": records.regime.state,
        "turnover": fixed(records.trades.turnover, 8),
        "cost": fixed(records.trades.cost_usd, 2),
        "exposure": fixed(1 - book.cash_usd / book.equity_usd, 8),
        "benchmark_return": fixed(benchmark_return, 8),
        **ledger_cells(book, before),
    }


def ledger_cells(book: Book, before: pd.DataFrame) -> dict[str, str]:
    """Return the row's cells of what the ledger alone knows; none in a home where both were always zero."""
    own = {"net_flows": book.net_flows_usd, "receivable": book.receivable_usd}
    if not any(own.values()) and not any(name in before for name in own):
        return {}
    return {name: fixed(value, 2) for name, value in own.items()}


def amounts(book: Book) -> dict[str, float]:
    """Return the amounts of which a return is measured, as a row has them."""
    return {"equity": book.equity_usd, "net_flows": book.net_flows_usd, "receivable": book.receivable_usd}


def return_since(later: Row, earlier: Row) -> float:
    """Return the equity's return between two rows, net of capital flows; receivables count as equity."""
    flow = amount(later, "net_flows") - amount(earlier, "net_flows")
    worth, before = (amount(row, "equity") + amount(row, "receivable") for row in (later, earlier))
    return net_return(worth, before, flow)


def levels(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the equity by row, with receivables and without capital flows: a time-weighted level."""
    columns = {
        name: numbers(rows[name]) if name in rows else np.zeros(len(rows))
        for name in ("equity", *LEDGER_COLUMNS)
    }
    flows, receivable = (np.nan_to_num(columns[name]) for name in ("net_flows", "receivable"))
    return net_levels(columns["equity"] + receivable, flows)


def period_starts(rows: pd.DataFrame) -> dict[str, int]:
    """Return the row from which day, month, year and all are measured: the last close before each, or the first row."""
    days = [date.fromisoformat(text) for text in rows["date"]]
    today = days[-1]
    firsts = {"month": today.replace(day=1), "year": today.replace(month=1, day=1)}
    return {
        "day": max(len(days) - 2, 0),
        **{
            key: max((at for at, day in enumerate(days) if day < first), default=0)
            for key, first in firsts.items()
        },
        "start": 0,
    }


def benchmark_level(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the benchmark's level by row, from 1 on: NaN from the first unknown return on, as a total of the known
    ones would be compared with a portfolio of all sessions."""
    returns = numbers(rows["benchmark_return"])
    returns[0] = 0.0  # the first row has nothing before it
    return np.asarray(np.cumprod(1 + returns), dtype=np.float64)


def numbers(column: pd.Series) -> NDArray[np.float64]:
    """Return a column of text as numbers; NaN where there is none."""
    values: NDArray[np.float64] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, copy=True)
    return values


def amount(row: Row, name: str) -> float:
    """Return the amount in a row; 0 where it is empty or the column is missing, as before the home had a ledger."""
    return float(row.get(name, "") or 0)


def with_row(history: pd.DataFrame, row: dict[str, str]) -> pd.DataFrame:
    """Return the history with this session's row inserted or replaced.

    The next row's returns are measured from this row. They are recomputed if this row was inserted or its equity
    changed, so that no period is counted twice.
    """
    earlier = history[history["date"] == row["date"]]
    others = history[history["date"] != row["date"]]
    added = pd.concat([others, pd.DataFrame([row], dtype=str)], ignore_index=True).fillna("")
    rows = added.sort_values("date", kind="stable", ignore_index=True)
    place = int(np.flatnonzero(rows["date"] == row["date"])[0])
    if place + 1 == len(rows) or (len(earlier) and _is_same_base(earlier.iloc[0], row)):
        return rows
    following = _since(rows.iloc[place + 1], row, is_first=place == 0, came_between=earlier.empty)
    rows.loc[place + 1, list(following)] = list(following.values())
    return rows


def _is_same_base(earlier: pd.Series, row: Row) -> bool:
    return all(amount(earlier, name) == amount(row, name) for name in ("equity", *LEDGER_COLUMNS))


def _since(later: pd.Series, row: dict[str, str], *, is_first: bool, came_between: bool) -> dict[str, str]:
    """Return the later row's returns since this row; its current ones are since the row before this one.

    If this row is the new first one, the later row had no predecessor, and the benchmark's return is unknown.
    """
    returns = {"daily_return": fixed(return_since(later, row), 8)}
    if came_between and is_first:
        return returns | {"benchmark_return": ""}
    whole, until = (pd.to_numeric(one.get("benchmark_return", ""), errors="coerce") for one in (later, row))
    if came_between and np.isfinite(whole) and np.isfinite(until):
        returns["benchmark_return"] = fixed((1 + whole) / (1 + until) - 1, 8)
    return returns


def render_history(rows: pd.DataFrame) -> bytes:
    """Write performance_history.csv: our columns first, any others after them."""
    columns = [*COLUMNS, *(column for column in rows.columns if column not in COLUMNS)]
    numeric = {
        "equity",
        "daily_return",
        "turnover",
        "cost",
        "exposure",
        "benchmark_return",
        "net_flows",
        "receivable",
    }
    cells = [
        [cell if name in numeric else csv_cell(cell) for name, cell in row.items()]
        for row in rows.loc[:, columns].to_dict("records")
    ]
    return csv_bytes(columns, cells)


def _refuse_unusable(rows: pd.DataFrame) -> None:
    for column in ("date", "equity"):
        if column not in rows:
            raise ValueError(f"no column {column}")
    rows["date"].map(date.fromisoformat)
    if rows["date"].duplicated().any():
        raise ValueError("two rows have the same date")
    if not (rows["equity"].astype(float) > 0).all():
        raise ValueError("the equity of a row is not positive")
