"""Read the ledger and the journal of orders as rows of the views. The ledger is verified; nothing is written."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

from tasks.core.homes.home import Home
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import connect, database_errors
from tasks.ledger.entries import Entry
from tasks.ledger.store import entries
from tasks.monitoring.views.schema import Row

HAS_JOURNAL = "SELECT 1 FROM parts WHERE name = 'execution'"
ORDERS = """SELECT o.order_id, o.session, e.fill_session, o.row + 1, o.part, o.symbol, o.side, o.shares, o.timing,
o.limit_price, o.state, o.reason, o.changed_at FROM orders o JOIN executions e USING (session) ORDER BY 2, 4, 5"""
EXECUTIONS = """SELECT session, fill_session, stage, reason, terms, mode, account, created_at, approval_sha256
FROM executions ORDER BY session"""


def entry_rows(home: Home) -> list[Row]:
    """Return the entries in the order of booking; none in a home whose ledger has not begun."""
    return [
        (
            number,
            entry.session,
            naive_utc(entry.at),
            entry.kind,
            entry.symbol,
            float(entry.shares),
            entry.cash_cents / 100,
            entry.receivable_cents / 100,
            entry.fee_cents / 100,
            entry.order_id,
            entry.by,
            entry.reason,
        )
        for number, entry in enumerate(_entries(home), start=1)
    ]


def fill_rows(home: Home) -> list[Row]:
    """Return the fills of orders; `notional` is without fees."""
    decided = {str(row[0]): date.fromisoformat(str(row[1])) for row in _selected(home, ORDERS)}
    return list(_fills(_entries(home), decided))


def order_rows(home: Home) -> list[Row]:
    """Return the orders with the shares that are booked of each."""
    booked: dict[str, Decimal] = {}
    for entry in _entries(home):
        if entry.order_id:
            booked[entry.order_id] = booked.get(entry.order_id, Decimal(0)) + abs(entry.shares)
    return [_order(row, float(booked.get(str(row[0]), 0))) for row in _selected(home, ORDERS)]


def execution_rows(home: Home) -> list[Row]:
    """Return the executions, oldest first."""
    return [
        (
            date.fromisoformat(str(session)),
            date.fromisoformat(str(fill_session)),
            stage,
            reason,
            json.loads(str(terms)).get("broker", ""),
            mode,
            account,
            _parsed_instant(created_at),
            approval,
        )
        for session, fill_session, stage, reason, terms, mode, account, created_at, approval in _selected(
            home, EXECUTIONS
        )
    ]


def approved_line_rows(home: Home) -> list[Row]:
    """Return the lines that each execution was approved for."""
    return [
        (
            date.fromisoformat(str(row[0])),
            line["symbol"],
            line["side"],
            float(line["shares"]),
            float(line["price"]),
        )
        for row in _selected(home, EXECUTIONS)
        for line in json.loads(str(row[4])).get("lines", ())
    ]


def _fills(found: tuple[Entry, ...], decided: dict[str, date]) -> Iterator[Row]:
    for entry in found:
        if entry.kind != "fill" or not entry.shares:
            continue
        shares, notional = float(abs(entry.shares)), abs(entry.cash_cents + entry.fee_cents) / 100
        yield (
            entry.session,
            decided.get(entry.order_id),
            entry.symbol,
            "BUY" if entry.shares > 0 else "SELL",
            shares,
            notional / shares,
            notional,
            entry.fee_cents / 100,
            entry.order_id,
        )


def _order(row: Row, booked: float) -> Row:
    order_id, session, fill_session, line, part, symbol, side, shares, timing, limit, state, reason, at = row
    return (
        date.fromisoformat(str(session)),
        date.fromisoformat(str(fill_session)),
        line,
        part,
        symbol,
        side,
        float(str(shares)),
        timing,
        None if limit is None else float(str(limit)),
        state,
        booked,
        reason,
        _parsed_instant(at),
        order_id,
    )


def _entries(home: Home) -> tuple[Entry, ...]:
    if not is_begun(home):
        return ()
    with closing(connect(home)) as connection:
        return entries(connection)


def _selected(home: Home, query: str) -> list[Row]:
    """Return rows of the journal; none before the first execution."""
    if not is_begun(home):
        return []
    with closing(connect(home)) as connection, database_errors(home):
        has_journal = connection.execute(HAS_JOURNAL).fetchone() is not None
        return connection.execute(query).fetchall() if has_journal else []


def _parsed_instant(text: object) -> datetime:
    return naive_utc(datetime.fromisoformat(str(text)))


def naive_utc(at: datetime) -> datetime:
    """Return the instant in UTC without its time zone, as the views have it."""
    return at.astimezone(UTC).replace(tzinfo=None)
