"""Tickets, entered fills and statements of the manual broker, in tables of the ledger's database.

They are in the home's one database of money, so that they cannot be lost without it: a missing database is refused, and
never read as an account without orders.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tasks.execution.brokers.base import Activity, BrokerOrder, Status
from tasks.execution.brokers.manual.entries import Entered, Ticket, notional_cents
from tasks.execution.schema import Order
from tasks.ledger.database import ensure_tables

PART, VERSION = "manual_broker", 1
TABLES = (
    """CREATE TABLE manual_statements (
    number INTEGER PRIMARY KEY, session TEXT NOT NULL, cash_cents INTEGER NOT NULL, person TEXT NOT NULL,
    reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE manual_positions (
    statement INTEGER NOT NULL REFERENCES manual_statements (number), symbol TEXT NOT NULL, shares TEXT NOT NULL,
    PRIMARY KEY (statement, symbol)
) STRICT""",
    """CREATE TABLE manual_tickets (
    number INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, shares INTEGER NOT NULL, timing TEXT NOT NULL, limit_price TEXT, quote TEXT,
    status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE manual_fills (
    number INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, session TEXT NOT NULL,
    symbol TEXT NOT NULL, shares INTEGER NOT NULL, price TEXT NOT NULL, fee_cents INTEGER NOT NULL,
    person TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE manual_activities (
    number INTEGER PRIMARY KEY, activity_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, symbol TEXT NOT NULL,
    shares INTEGER NOT NULL, cash_cents INTEGER NOT NULL, session TEXT NOT NULL, note TEXT NOT NULL
) STRICT""",
)


@dataclass(frozen=True)
class Signed:
    """Who entered something, why, and when."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Declared:
    """The last statement: what the account held after the close of a session."""

    session: date
    cash_cents: int
    shares: Mapping[str, Decimal]


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables if they do not exist yet."""
    ensure_tables(connection, PART, VERSION, TABLES)


def declare(
    connection: sqlite3.Connection,
    shares: Mapping[str, Decimal],
    cash_cents: int,
    session: date,
    signed: Signed,
) -> None:
    """Store what the account held after the close of the session: earlier fills are part of it."""
    number = connection.execute(
        "INSERT INTO manual_statements (session, cash_cents, person, reason, at) VALUES (?, ?, ?, ?, ?)",
        (str(session), cash_cents, signed.by, signed.reason, signed.at.isoformat()),
    ).lastrowid
    connection.executemany(
        "INSERT INTO manual_positions VALUES (?, ?, ?)",
        [(number, symbol, str(count)) for symbol, count in sorted(shares.items()) if count],
    )


def declared(connection: sqlite3.Connection) -> Declared | None:
    """Return the last statement; None without one."""
    row = connection.execute(
        "SELECT number, session, cash_cents FROM manual_statements ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    number, session, cash_cents = row
    lines = connection.execute(
        "SELECT symbol, shares FROM manual_positions WHERE statement = ? ORDER BY symbol", (number,)
    )
    shares = {symbol: Decimal(count) for symbol, count in lines}
    return Declared(date.fromisoformat(session), cash_cents, shares)


def add_ticket(connection: sqlite3.Connection, order: Order, quote: Decimal | None, at: datetime) -> None:
    """Add the ticket of an order."""
    limit = None if order.limit_price is None else str(order.limit_price)
    connection.execute(
        "INSERT INTO manual_tickets (order_id, session, symbol, side, shares, timing, limit_price, quote, status, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)",
        (
            order.order_id,
            str(order.session),
            order.symbol,
            order.side,
            order.shares,
            order.timing,
            limit,
            None if quote is None else str(quote),
            at.isoformat(),
        ),
    )


def set_status(
    connection: sqlite3.Connection, order_id: str, status: Status, reason: str, *, among: tuple[Status, ...]
) -> None:
    """Change the status of a ticket that has one of these."""
    marks = ", ".join("?" * len(among))
    connection.execute(
        f"UPDATE manual_tickets SET status = ?, reason = ? WHERE order_id = ? AND status IN ({marks})",  # noqa: S608
        (status, reason, order_id, *among),
    )


def add_fill(
    connection: sqlite3.Connection,
    ticket: Ticket,
    entered: Entered,
    source: str,
    session: date,
    signed: Signed,
) -> None:
    """Add shares filled for a ticket; the database refuses a source that it has."""
    connection.execute(
        "INSERT INTO manual_fills (source, order_id, session, symbol, shares, price, fee_cents, person, reason, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            source,
            ticket.order_id,
            str(session),
            ticket.symbol,
            entered.shares,
            str(entered.price),
            entered.fee_cents,
            signed.by,
            signed.reason,
            signed.at.isoformat(),
        ),
    )


def has_source(connection: sqlite3.Connection, source: str) -> bool:
    """Return whether a fill or an activity with this source was entered."""
    found = connection.execute(
        "SELECT 1 FROM manual_fills WHERE source = ?1 UNION ALL "
        "SELECT 1 FROM manual_activities WHERE activity_id = ?1",
        (source,),
    )
    return found.fetchone() is not None


def entries_count(connection: sqlite3.Connection) -> int:
    """Return how many fills were entered so far."""
    return int(connection.execute("SELECT count(*) FROM manual_fills").fetchone()[0])


def add_activity(connection: sqlite3.Connection, activity: Activity) -> None:
    """Add a trade that belongs to no ticket."""
    connection.execute(
        "INSERT INTO manual_activities (activity_id, kind, symbol, shares, cash_cents, session, note) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            activity.activity_id,
            activity.kind,
            activity.symbol,
            int(activity.shares),
            activity.cash_cents,
            str(activity.session),
            activity.note,
        ),
    )


def activities_since(connection: sqlite3.Connection, since: date) -> tuple[Activity, ...]:
    """Return the trades that belong to no ticket, oldest first."""
    rows = connection.execute(
        "SELECT activity_id, kind, symbol, shares, cash_cents, session, note FROM manual_activities "
        "WHERE session >= ? ORDER BY session, number",
        (str(since),),
    )
    return tuple(
        Activity(name, kind, symbol, Decimal(shares), cash, date.fromisoformat(day), note)
        for name, kind, symbol, shares, cash, day, note in rows
    )


TICKET_COLUMNS = (
    "order_id, session, symbol, side, shares, limit_price, quote, status, reason, at, "
    "(SELECT COALESCE(SUM(f.shares), 0) FROM manual_fills f WHERE f.order_id = manual_tickets.order_id)"
)


def tickets(
    connection: sqlite3.Connection, *, session: date | None = None, is_open: bool = False
) -> list[Ticket]:
    """Return the tickets in the order in which they were issued: of a decision session, or the open ones."""
    rows = connection.execute(
        f"SELECT {TICKET_COLUMNS} FROM manual_tickets WHERE (?1 IS NULL OR session = ?1) "  # noqa: S608
        "AND (NOT ?2 OR status IN ('open', 'canceling')) ORDER BY number",
        (None if session is None else str(session), is_open),
    )
    return [_ticket(row) for row in rows]


def orders(connection: sqlite3.Connection, *, order_id: str | None = None) -> list[BrokerOrder]:
    """Return the order with this id, or all open orders, as a broker states them."""
    rows = connection.execute(
        f"SELECT {TICKET_COLUMNS} FROM manual_tickets WHERE order_id = ?1 "  # noqa: S608
        "OR (?1 IS NULL AND status IN ('open', 'canceling')) ORDER BY number",
        (order_id,),
    ).fetchall()
    return [_order(connection, row) for row in rows]


def order_ids(connection: sqlite3.Connection, since: datetime) -> frozenset[str]:
    """Return the ids of the tickets made after `since`."""
    rows = connection.execute("SELECT order_id, at FROM manual_tickets")
    return frozenset(order_id for order_id, at in rows if datetime.fromisoformat(at) > since)


def fills_after(connection: sqlite3.Connection, session: date) -> dict[str, tuple[str, str, int, int, int]]:
    """Return by order the symbol, side, shares, notional and fees of its fills in later sessions."""
    found = {}
    for order_id, symbol, side in connection.execute("SELECT order_id, symbol, side FROM manual_tickets"):
        shares, cents, fees = _totals(connection, order_id, session)
        if shares:
            found[order_id] = (symbol, side, shares, cents, fees)
    return found


def _totals(connection: sqlite3.Connection, order_id: str, after: date | None = None) -> tuple[int, int, int]:
    rows = connection.execute(
        "SELECT shares, price, fee_cents FROM manual_fills WHERE order_id = ?1 AND (?2 IS NULL OR session > ?2)",
        (order_id, None if after is None else str(after)),
    ).fetchall()
    cents = notional_cents((shares, Decimal(price)) for shares, price, _ in rows)
    return sum(row[0] for row in rows), cents, sum(row[2] for row in rows)


def _ticket(row: tuple[Any, ...]) -> Ticket:
    order_id, session, symbol, side, shares, limit, quote, status, _, _, filled = row
    return Ticket(
        order_id,
        date.fromisoformat(session),
        symbol,
        side,
        shares,
        None if limit is None else Decimal(limit),
        None if quote is None else Decimal(quote),
        filled,
        status == Status.CANCELING,
    )


def _order(connection: sqlite3.Connection, row: tuple[Any, ...]) -> BrokerOrder:
    ticket, status, reason, at = _ticket(row), row[7], row[8], row[9]
    filled, cents, fees = _totals(connection, ticket.order_id)
    return BrokerOrder(
        ticket.order_id,
        ticket.symbol,
        ticket.side,
        Decimal(ticket.shares),
        Status(status),
        Decimal(filled),
        cents,
        fees,
        datetime.fromisoformat(at),
        reason,
    )
