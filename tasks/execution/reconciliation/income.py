"""Dividends between ex-date and payment: which are due, which a payment settles, which are overdue.

A dividend of the lake is a receivable from its ex-date on, for the shares held before. The payment at the broker
settles it, whatever amount arrives (a tax may be withheld). A receivable that is not paid within 60 days is overdue.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from tasks.execution.reconciliation.identity import CARRIED, cents_of
from tasks.execution.reconciliation.schema import CorporateAction
from tasks.ledger.entries import Entry

OVERDUE = timedelta(days=60)
PAID_BEFORE_KNOWN = timedelta(days=5)
SMALLEST_PART, LARGEST_PART = Fraction(1, 2), Fraction(3, 2)  # of the amount due, to be its payment


@dataclass(frozen=True)
class Due:
    """A booked receivable that is not paid yet."""

    source: str
    symbol: str
    ex_date: date
    cents: int


def held_before(entries: Iterable[Entry], symbol: str, day: date) -> Decimal:
    """Return the shares held at the close before the day."""
    return sum(
        (entry.shares for entry in entries if entry.symbol == symbol and entry.session < day), Decimal(0)
    )


def due_source(action: CorporateAction) -> str:
    """Return the source of the receivable: it can be booked once."""
    return f"dividend_due:{action.symbol}:{action.ex_date}"


def due_cents(action: CorporateAction, held: Decimal) -> int:
    """Return the receivable of the shares held before the ex-date; the rate is per share after a split of that day."""
    return cents_of(Fraction(held) * action.split, action.dividend_usd)


def is_paid_already(entries: Iterable[Entry], action: CorporateAction, cents: int) -> bool:
    """Return whether a payment without a receivable was booked before the lake knew of the dividend."""
    return any(
        entry.kind == "dividend"
        and entry.symbol == action.symbol
        and entry.receivable_cents == 0
        and not entry.source.startswith(CARRIED)
        and -PAID_BEFORE_KNOWN <= entry.session - action.ex_date <= OVERDUE
        and _is_payment_of(entry.cash_cents, cents)
        for entry in entries
    )


def outstanding(entries: Iterable[Entry]) -> list[Due]:
    """Return the receivables that no entry has settled yet, oldest first."""
    dues: list[Due] = []
    for entry in entries:
        if entry.receivable_cents == 0:
            continue
        if entry.kind == "dividend_due":
            dues.append(Due(entry.source, entry.symbol, entry.session, entry.receivable_cents))
            continue
        settled = [due for due in dues if (due.symbol, due.cents) == (entry.symbol, -entry.receivable_cents)]
        if settled:
            dues.remove(settled[0])
    return sorted(dues, key=lambda due: (due.ex_date, due.symbol))


def due_of_payment(dues: Iterable[Due], symbol: str, cents: int, paid_on: date) -> Due | None:
    """Return the receivable that the payment settles: one of its amount, else the oldest near it; None without one."""
    own = [
        due
        for due in dues
        if due.symbol == symbol and due.ex_date <= paid_on and _is_payment_of(cents, due.cents)
    ]
    return min(own, key=lambda due: (due.cents != cents, due.ex_date), default=None)


def _is_payment_of(paid_cents: int, due_cents: int) -> bool:
    return due_cents != 0 and SMALLEST_PART <= Fraction(paid_cents, due_cents) <= LARGEST_PART
