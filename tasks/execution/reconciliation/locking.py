"""The result of a reconciliation, with the locks that its differences keep. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tasks.core.errors import DataError
from tasks.execution.brokers.base import BrokerAccount
from tasks.execution.reconciliation.identity import difference_id
from tasks.execution.reconciliation.schema import Books, Difference, Lock, Market, Reconciliation, Statement
from tasks.ledger.balance import balance_of, equity_cents


def unreadable(books: Books, seen: Statement, at: datetime) -> Reconciliation:
    """Return the result where the broker does not state everything: nothing is judged, and all locks stay."""
    parts = {
        "account": seen.account,
        "positions": seen.positions,
        "activities": seen.activities,
        "open orders": seen.open_orders,
    }
    found = tuple(
        Difference(
            difference_id("unreadable", part),
            "unknown",
            "",
            Decimal(0),
            0,
            f"The broker's {part} could not be read; nothing is assumed.",
            "all",
            is_waiting=True,
        )
        for part, answer in parts.items()
        if answer is None
    )
    return outcome_of(
        books,
        found,
        seen.account,
        Market(),
        at,
        locks=(*names_only(books.locks), *locks_of(books, found, at)),
    )


def other_account(books: Books, account: BrokerAccount, at: datetime) -> Reconciliation:
    """Return the result at another account than the books are of."""
    name, mode = books.account or ("", "")
    here = f"{account.mode} account {account.account}"
    sentence = f"The broker answers for {here}; the ledger is that of {mode} account {name}."
    about = difference_id("account", account.account, account.mode)
    found = (Difference(about, "unknown", "", Decimal(0), 0, sentence, "all"),)
    locks = (*names_only(books.locks), *locks_of(books, found, at))
    return outcome_of(books, found, account, Market(), at, locks=locks)


def names_only(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """Return the locks of single names."""
    return tuple(lock for lock in locks if lock.symbol)


def locks_of(books: Books, differences: Iterable[Difference], at: datetime) -> tuple[Lock, ...]:
    """Return the locks that the differences keep."""
    since = {lock.difference_id: lock.since for lock in books.locks}
    made = (
        Lock(
            item.symbol if item.blocks == "name" else "",
            item.difference_id,
            item.kind,
            since.get(item.difference_id, at),
            item.explanation,
        )
        for item in differences
        if item.blocks != "nothing"
    )
    return tuple(sorted(made, key=lambda lock: (lock.symbol, lock.difference_id)))


def outcome_of(
    books: Books,
    differences: tuple[Difference, ...],
    account: BrokerAccount | None,
    market: Market,
    at: datetime,
    *,
    locks: tuple[Lock, ...] | None = None,
) -> Reconciliation:
    """Return the result."""
    booked = tuple(entry for item in differences for entry in item.bookings)
    try:
        own: int | None = equity_cents(balance_of((*books.entries, *booked)), market.prices)
    except DataError:
        own = None
    return Reconciliation(
        at,
        account is not None and account.is_preliminary,
        differences,
        locks_of(books, differences, at) if locks is None else locks,
        None if account is None else account.equity_cents,
        own,
    )
