"""Parse the positions file: what is held, and after which session's close. Errors name the line.

Never guesses: a duplicate symbol, a short position or a number with a comma stops the day.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from tasks.core.errors import SafetyError
from tasks.core.text import ascii_label
from tasks.data.schema.symbols import is_safe_symbol
from tasks.ledger.balance import NameCash
from tasks.portfolio.holdings.split_ratios import split_shares
from tasks.portfolio.schema import CASH

# Python's float() also takes 1_000, ٣ and inf
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
WHOLE_SHARE = 1e-6
LARGEST = 1e12  # shares or dollars; more is a typing error
FORMER_LIFE = re.compile(r"~[0-9]{8}$")  # how the lake names a company whose symbol was reassigned


@dataclass(frozen=True)
class Position:
    """One line of the file. The shares were held after the close of `session`; None means the run's session."""

    symbol: str
    shares: float
    session: date | None = None


@dataclass(frozen=True)
class Positions:
    """The parsed file. Shares are not yet adjusted for later splits."""

    positions: tuple[Position, ...]
    cash_usd: float
    sha256: str = ""  # of the bytes that were read
    net_flows_usd: float = 0.0  # deposits minus withdrawals that are in the cash, by the ledger
    receivable_usd: float = 0.0  # dividends between ex-date and payment, by the ledger
    names: NameCash | None = None  # cash of each name, by the ledger; None without one
    cash_session: date | None = None  # what the file states in the CASH row; it changes nothing


def parse_positions(text: str, *, path: str) -> Positions:
    """Parse CSV with the columns symbol, shares and optionally session; ignore others. CASH is cash in USD.

    Case and surrounding spaces of the column names are ignored, as in the market data files.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: dict[str, Position] = {}
    try:
        rows.fieldnames = _columns(rows.fieldnames or (), path)
        for row in rows:
            if None in row:  # 1,500 shares would be read as 1
                raise _unusable(path, rows.line_num, "it has more cells than the header has columns")
            position = _position(row, path, rows.line_num)
            if position.symbol in found:
                raise _unusable(path, rows.line_num, f"{position.symbol} is listed twice")
            found[position.symbol] = position
    except csv.Error as error:
        raise _unusable(path, rows.line_num, f"it is not CSV ({error})") from error
    cash = found.pop(CASH, None)
    if cash is None:
        raise _unusable(
            path, rows.line_num, "the file ends without a CASH row, so the size of the portfolio is unknown"
        )
    return Positions(tuple(found[symbol] for symbol in sorted(found)), cash.shares, cash_session=cash.session)


def lines_of(text: str) -> dict[str, int]:
    """Return the line of each symbol in a file that `parse_positions` accepts."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    return {row["symbol"]: rows.line_num for row in rows}


def carry(position: Position, through: date, *, symbol: str, splits: pd.DataFrame) -> Position:
    """Return the position adjusted for splits up to the session `through`, under today's `symbol`.

    A split multiplies the shares from its ex-date on. Dividends are not applied: the broker adds them to the cash.
    `splits` (current symbol, session, split: new shares per old one) is the frame of holdings/events.py.
    """
    since = position.session or through
    later = (splits["session"] > pd.Timestamp(since)) & (splits["session"] <= pd.Timestamp(through))
    own = splits.loc[later & (splits["symbol"] == symbol), "split"].to_numpy(dtype=float)
    shares = float(split_shares(position.shares, own))
    if math.isclose(shares, round(shares), rel_tol=0, abs_tol=WHOLE_SHARE):
        shares = float(round(shares))
    return Position(symbol, shares, through)


def _columns(written: Sequence[str], path: str) -> list[str]:
    columns = [name.strip().lower() for name in written]
    missing = [name for name in ("symbol", "shares") if name not in columns]
    if missing:
        found = ", ".join(ascii_label(name) for name in written) or "nothing"
        raise _unusable(path, 1, f"it has no column {' and no column '.join(missing)} (found: {found})")
    for name in ("symbol", "shares", "session"):
        if columns.count(name) > 1:
            raise _unusable(path, 1, f"two columns are named {name}")
    return columns


def _position(row: dict[str, str | None], path: str, line: int) -> Position:
    symbol = row["symbol"] or ""
    if symbol != CASH and not is_safe_symbol(FORMER_LIFE.sub("", symbol)):
        capitals = symbol.strip().upper()
        hint = f"; write {capitals}" if is_safe_symbol(capitals) else ""
        raise _unusable(path, line, f"'{ascii_label(symbol)}' is not a valid symbol{hint}")
    written = (row["shares"] or "").strip()
    shares = float(written) if NUMBER.fullmatch(written) else math.nan
    if not abs(shares) <= LARGEST:
        raise _unusable(
            path, line, f"the shares of {symbol} are not a plain number: '{ascii_label(written)}'"
        )
    if shares < 0 and symbol != CASH:
        raise _unusable(
            path, line, f"{symbol} is a short position ({shares:g}), but the portfolio is long-only"
        )
    return Position(symbol, shares, _session(row.get("session") or "", path, line))


def _session(written: str, path: str, line: int) -> date | None:
    if not written.strip():
        return None
    try:
        return date.fromisoformat(written.strip())
    except ValueError as error:
        raise _unusable(path, line, f"'{ascii_label(written)}' is not a valid date (YYYY-MM-DD)") from error


def _unusable(path: str, line: int, why: str) -> SafetyError:
    return SafetyError(
        f"{path} cannot be used: line {line}, {why}.",
        remedy="Correct that line, or run `afterclose positions import FILE`.",
        path=path,
        line=line,
    )
