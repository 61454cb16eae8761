"""Small ledgers and broker statements for tests of the reconciliation: 100 AAPL, 50 MSFT and 1,000 USD."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tasks.execution.brokers.base import (
    Activity,
    ActivityKind,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Status,
)
from tasks.execution.reconciliation.compare import compare
from tasks.execution.reconciliation.schema import Books, Market, OurOrder, Reconciliation, Statement
from tasks.execution.schema import State
from tasks.ledger.entries import Entry

OPENED, TODAY = date(2024, 6, 14), date(2024, 6, 20)
AT = datetime(2024, 6, 20, 12, 0, tzinfo=UTC)
CASH_CENTS = 100_000
HELD = {"AAPL": Decimal(100), "MSFT": Decimal(50)}
PRICES = {"AAPL": Decimal(200), "MSFT": Decimal(400)}


def opening(shares: Mapping[str, Decimal] = HELD, cash_cents: int = CASH_CENTS) -> tuple[Entry, ...]:
    """Return the opening entries of a ledger."""
    at = datetime(2024, 6, 14, 21, 0, tzinfo=UTC)
    held = (Entry("opening", f"opening:{s}", OPENED, at, s, n) for s, n in sorted(shares.items()))
    return (*held, Entry("opening", "opening:CASH", OPENED, at, cash_cents=cash_cents))


def account(cash_cents: int = CASH_CENTS, **changes: Any) -> BrokerAccount:
    """Return a live account whose equity is that of HELD at PRICES."""
    equity = cash_cents + 100 * 20_000 + 50 * 40_000
    made = BrokerAccount("A1", "live", cash_cents, cash_cents, equity, False, False, False)
    return replace(made, **changes)


def statement(
    shares: Mapping[str, Decimal | int] = HELD,
    cash_cents: int = CASH_CENTS,
    *activities: Activity,
    open_orders: Sequence[BrokerOrder] = (),
    **changes: Any,
) -> Statement:
    """Return what the broker answers; `changes` are of its account."""
    positions = {symbol: BrokerPosition(symbol, Decimal(number)) for symbol, number in shares.items()}
    return Statement(account(cash_cents, **changes), positions, activities, tuple(open_orders))


def activity(
    kind: ActivityKind,
    activity_id: str = "a1",
    symbol: str = "",
    *,
    shares: Decimal | int = 0,
    cents: int = 0,
    on: date = TODAY,
) -> Activity:
    """Return an activity of the broker."""
    return Activity(activity_id, kind, symbol, Decimal(shares), cents, on)


def broker_order(
    order_id: str = "o1", symbol: str = "AAPL", side: str = "BUY", **changes: Any
) -> BrokerOrder:
    """Return an open order for 10 shares as the broker has it."""
    made = BrokerOrder(order_id, symbol, "BUY", Decimal(10), Status.OPEN, Decimal(0), 0, 0, AT)
    return replace(made, side=side, **changes)


def our_order(symbol: str = "AAPL", **changes: Any) -> OurOrder:
    """Return an order of ours for 10 shares, nothing of it booked."""
    made = OurOrder("o1", symbol, False, Decimal(10), State.WORKING, AT, Decimal(0), 0)
    return replace(made, **changes)


def reconciled(
    seen: Statement,
    entries: tuple[Entry, ...] | None = None,
    *,
    market: Market = Market(),  # noqa: B008 - frozen
    today: date = TODAY,
    at: datetime = AT,
    **books: Any,
) -> Reconciliation:
    """Compare a ledger, by default the opening one, with the statement."""
    return compare(
        Books(opening() if entries is None else entries, **books), seen, market, today=today, at=at
    )


def shifted(**by: int) -> dict[str, Decimal]:
    """Return HELD with these changes in shares."""
    return {symbol: HELD.get(symbol, Decimal(0)) + by.get(symbol, 0) for symbol in HELD.keys() | by.keys()}
