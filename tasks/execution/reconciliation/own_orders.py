"""Our orders as a reconciliation sees them: those at the broker, and those that changed in the last days."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tasks.execution.brokers.base import Broker, BrokerOrder, ThrottledError, UnansweredError
from tasks.execution.reconciliation.schema import OurOrder
from tasks.execution.schema import State
from tasks.ledger.entries import Entry

RECENT = timedelta(days=4)  # over a long weekend; older totals change through activities


def recent_orders(
    connection: sqlite3.Connection, broker: Broker, booked: Iterable[Entry], *, today: date
) -> tuple[OurOrder, ...]:
    """Return the orders that may be at the broker, whatever their age, and those that changed in the last days.

    Each is looked up at the broker by its own id. Without an answer its state there is unknown (None).
    """
    if not _has_journal(connection):
        return ()
    since = datetime.combine(today - RECENT, time(), UTC).isoformat()
    rows = connection.execute(
        "SELECT order_id, symbol, side, shares, state, changed_at FROM orders "
        "WHERE state IN ('unknown', 'working', 'canceling') OR (sends > 0 AND changed_at >= ?) ORDER BY order_id",
        (since,),
    ).fetchall()
    own = _totals(booked)
    return tuple(_order(row, own.get(row[0], []), _stated(broker, row[0])) for row in rows)


def all_order_ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all orders of ours, of any age and state."""
    if not _has_journal(connection):
        return frozenset()
    return frozenset(row[0] for row in connection.execute("SELECT order_id FROM orders"))


def _has_journal(connection: sqlite3.Connection) -> bool:
    """Return whether this home has executed anything yet."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'orders'")
    return found.fetchone() is not None


def _totals(booked: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in booked:
        if entry.order_id:
            found[entry.order_id].append(entry)
    return found


def _order(
    row: tuple[str, str, str, int, str, str], own: list[Entry], stated: BrokerOrder | None
) -> OurOrder:
    order_id, symbol, side, shares, state, changed_at = row
    sign = -1 if side == "SELL" else 1
    fees = sum(entry.fee_cents for entry in own)
    return OurOrder(
        order_id,
        symbol,
        side == "SELL",
        Decimal(shares),
        State(state),
        datetime.fromisoformat(changed_at),
        sum((sign * entry.shares for entry in own), Decimal(0)),
        -sign * (sum(entry.cash_cents for entry in own) + fees),
        fees,
        stated,
    )


def _stated(broker: Broker, order_id: str) -> BrokerOrder | None:
    try:
        return broker.order(order_id)
    except (UnansweredError, ThrottledError):
        return None
