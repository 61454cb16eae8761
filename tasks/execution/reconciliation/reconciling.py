"""Reconcile a home with its broker: read both, compare, and store bookings and locks in one transaction.

A second run right after the first books nothing and finds the same open differences.
"""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from config.settings import Settings
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.reading import read_bytes
from tasks.core.sessions import exchange_date
from tasks.execution.brokers.base import Broker
from tasks.execution.ending.late_fills import Asking, book_late_fills
from tasks.execution.reconciliation.compare import compare
from tasks.execution.reconciliation.explain import Explanation, difference_named, explained
from tasks.execution.reconciliation.market import read_market
from tasks.execution.reconciliation.own_orders import all_order_ids, recent_orders
from tasks.execution.reconciliation.schema import Books, Reconciliation
from tasks.execution.reconciliation.statement import read_quotes, read_statement
from tasks.execution.reconciliation.store import (
    acknowledged,
    last_reconciliation,
    read_locks,
    reconciled_account,
    store,
    store_explanation,
)
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.positions_file import positions_bytes, rebuild_positions
from tasks.ledger.store import entries

LOOK_BACK = timedelta(days=90)  # before the last reconciliation: an activity may be stated late


def reconcile(home: Home, settings: Settings, broker: Broker, at: datetime) -> Reconciliation:
    """Reconcile under the portfolio lock. Raises TransientError while another process changes the portfolio."""
    with exclusive(home.portfolio_lock, doing="reconcile"):
        return reconcile_locked(home, settings, broker, at)


def reconcile_locked(home: Home, settings: Settings, broker: Broker, at: datetime) -> Reconciliation:
    """Reconcile; the caller holds the portfolio lock. Raises SafetyError in a home whose ledger has not begun."""
    with opened(home) as connection:
        late = book_late_fills(Asking(home, connection, broker, lambda: at), exchange_date(at))
        found = _reconciled(connection, home, settings, broker, at)
        booked = entries(connection)
    if late or any(entry.shares or entry.cash_cents for entry in found.bookings) or _is_behind(home, booked):
        _rebuild(home)
    return found


def explain(
    home: Home,
    settings: Settings,
    broker: Broker,
    at: datetime,
    said: Explanation,
    *,
    log: Callable[[], object] = lambda: None,
) -> Reconciliation:
    """Settle one open difference as a person states, and return the reconciliation after it.

    What is settled is what the broker shows now: the difference is looked up in a new reconciliation. `log` is called
    before anything is booked.
    """
    with exclusive(home.portfolio_lock, doing="reconcile --explain"):
        found = reconcile_locked(home, settings, broker, at)
        settling = explained(difference_named(found, said.difference_id), said)
        log()
        with opened(home) as connection:
            store_explanation(connection, said, settling, at=at)
        if settling:
            _rebuild(home)
        return reconcile_locked(home, settings, broker, at)


def _reconciled(
    connection: sqlite3.Connection, home: Home, settings: Settings, broker: Broker, at: datetime
) -> Reconciliation:
    booked, today = entries(connection), exchange_date(at)
    if not booked:
        raise SafetyError(
            f"{home.root} has no ledger yet, so there is nothing to reconcile.",
            remedy="Declare what is held: `afterclose positions import FILE --by NAME --reason TEXT`.",
            home=str(home.root),
        )
    last = last_reconciliation(connection)
    since = _since(booked, today if last is None else min(today, exchange_date(last.at)))
    seen = read_statement(broker, since=since)
    books = Books(
        booked,
        recent_orders(connection, broker, booked, today=today),
        all_order_ids(connection),
        reconciled_account(connection),
        acknowledged(connection),
        read_locks(connection),
    )
    quotes = read_quotes(broker, {*balance_of(booked).shares, *(seen.positions or ())})
    symbols = {entry.symbol for entry in booked if entry.symbol}
    market = read_market(home, settings, symbols, since=today - LOOK_BACK, today=today, quotes=quotes)
    found = compare(books, seen, market, today=today, at=at)
    account = ("", "") if seen.account is None else (seen.account.account, seen.account.mode)
    store(connection, found, account)
    return found


def _since(booked: Iterable[Entry], last: date) -> date:
    begun = max(entry.session for entry in booked if entry.kind == "opening")
    return max(begun + timedelta(days=1), last - LOOK_BACK)


def _is_behind(home: Home, booked: tuple[Entry, ...]) -> bool:
    """Return whether the positions file lacks the last bookings: a run ended before it wrote the file."""
    earlier = tuple(entry for entry in booked if entry.at < booked[-1].at)
    try:
        return read_bytes(home.positions_file) == positions_bytes(earlier) != positions_bytes(booked)
    except (FileNotFoundError, SafetyError):  # a short position has no file
        return False


def _rebuild(home: Home) -> None:
    """Derive the positions file; a short position, which it cannot hold, blocks everything until it is closed."""
    with opened(home) as connection:
        shares = balance_of(entries(connection)).shares
    if all(number > 0 for number in shares.values()):
        rebuild_positions(home)
