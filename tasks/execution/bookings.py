"""Turn the broker's totals of an order into entries of the ledger. Pure.

An entry is the difference between the total that is stated and the total that is booked, and its source names the
total: a fill that is reported twice, late or out of order is booked once. A total that shrinks is not booked here: it
may be an old answer, and a correction by the broker is an activity that the reconciliation books.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tasks.execution.brokers.base import BrokerOrder
from tasks.execution.schema import Order
from tasks.ledger.entries import Entry
from tasks.ledger.store import plain


@dataclass(frozen=True)
class Booked:
    """The totals of one order that are in the ledger, and the sources of its entries."""

    shares: Decimal = Decimal(0)
    cents: int = 0  # notional, positive
    fee_cents: int = 0
    sources: frozenset[str] = frozenset()


def booked_total(order: Order, booked: Collection[tuple[str, Decimal, int, int]]) -> Booked:
    """Return the sum of the order's entries: source, shares, cash and fee of each, in cents."""
    sign = -1 if order.is_sale else 1
    fees = sum(fee for _, _, _, fee in booked)
    return Booked(
        sum((sign * shares for _, shares, _, _ in booked), Decimal(0)),
        -sign * (sum(cash for _, _, cash, _ in booked) + fees),
        fees,
        frozenset(source for source, _, _, _ in booked),
    )


def new_entries(
    order: Order, stated: BrokerOrder, booked: Booked, *, session: date, at: datetime
) -> tuple[Entry, ...]:
    """Return what has to be booked so that the ledger has the stated total: at most one entry."""
    shares = stated.filled_shares - booked.shares
    cents, fees = stated.filled_cents - booked.cents, stated.fee_cents - booked.fee_cents
    filled = f"{order.order_id}:{plain(stated.filled_shares)}:{stated.filled_cents}"
    only_fees = not shares and not cents
    source = f"{order.order_id}:fee:{stated.fee_cents}" if only_fees else filled
    if shares < 0 or not (shares or cents or fees) or source in booked.sources:
        return ()
    sign = -1 if order.is_sale else 1
    return (
        Entry(
            kind="fill" if shares else "fee" if only_fees else "restatement",
            source=source,
            session=session,
            at=at,
            symbol=order.symbol,
            shares=sign * shares,
            cash_cents=-sign * cents - fees,
            fee_cents=fees,
            order_id=order.order_id,
            reason="" if shares or only_fees else "the broker restated the amount of a fill",
        ),
    )
