"""Enter fills for tickets, one or many, in one transaction: all are accepted, or nothing is entered."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from tasks.core.errors import ConfigError
from tasks.core.sessions import session_after
from tasks.core.text import ascii_label
from tasks.execution.brokers.base import Activity, Status
from tasks.execution.brokers.manual import store
from tasks.execution.brokers.manual.entries import (
    Entered,
    Ticket,
    deviations,
    notional_cents,
    refuse_impossible,
    refuse_unexplained,
)
from tasks.execution.brokers.manual.store import Signed
from tasks.execution.schema import Side
from tasks.ledger.database import transaction

OPEN = (Status.OPEN, Status.CANCELING)


@dataclass(frozen=True)
class Row:
    """One line of a broker's export. `source` identifies it, so that it is entered once."""

    source: str
    symbol: str
    side: Side
    entered: Entered


@dataclass(frozen=True)
class Outcome:
    """What was entered, and how it deviates from the tickets."""

    entered: int
    known: int  # lines that had been entered before
    deviations: tuple[str, ...]


def enter_fill(
    connection: sqlite3.Connection,
    session: date,
    name: str,
    entered: Entered,
    *,
    band_frac: float,
    signed: Signed,
) -> Outcome:
    """Enter one fill of an open ticket of the decision session, named by its id or its symbol.

    If a symbol has several tickets, its first one is meant. Raises ConfigError, and enters nothing.
    """
    refuse_impossible(entered)
    store.prepare(connection)
    with transaction(connection):
        open_tickets = store.tickets(connection, session=session, is_open=True)
        named = (one for one in open_tickets if name in {one.order_id, one.symbol})
        ticket = next(named, None)
        if ticket is None:
            raise _without_ticket(session, name)
        source = f"entry:{store.entries_count(connection) + 1}:{ticket.order_id}"
        found = _enter(connection, ticket, entered, source, band_frac, signed)
    return Outcome(1, 0, found)


def enter_export(
    connection: sqlite3.Connection,
    session: date,
    rows: Sequence[Row],
    *,
    is_complete: bool,
    band_frac: float,
    signed: Signed,
) -> Outcome:
    """Enter the lines of a broker's export for the open tickets of the decision session.

    A line that was entered before is skipped. A line without a ticket is a trade of its own and needs a reason. With
    `is_complete`, a ticket that is not filled by the export ends, which needs a reason. Raises ConfigError, and enters
    nothing.
    """
    store.prepare(connection)
    entered, known = 0, 0
    found: list[str] = []
    with transaction(connection):
        for row in rows:
            refuse_impossible(row.entered)
            if store.has_source(connection, row.source):
                known += 1
                continue
            entered += 1
            open_tickets = store.tickets(connection, session=session, is_open=True)
            ticket = _open_ticket(open_tickets, row.symbol, row.side)
            if ticket is not None:
                found += _enter(connection, ticket, row.entered, row.source, band_frac, signed)
                continue
            text = f"{row.side} {row.entered.shares} {row.symbol} has no open ticket"
            if not signed.reason.strip():
                raise ConfigError(
                    f"The file has a trade that no ticket of {session} explains: {text}.",
                    remedy="Give the reason with --reason TEXT: it is then entered as a trade of its own.",
                    symbol=row.symbol,
                )
            found.append(text)
            _add_foreign(connection, row, session_after(session), signed.reason)
        if is_complete:
            found += _end_rest(connection, session, band_frac, signed)
    return Outcome(entered, known, tuple(found))


def _end_rest(
    connection: sqlite3.Connection, session: date, band_frac: float, signed: Signed
) -> Iterable[str]:
    nothing = Entered(0, Decimal(0))
    for number, ticket in enumerate(store.tickets(connection, session=session, is_open=True)):
        source = f"entry:{store.entries_count(connection) + 1}:{ticket.order_id}:{number}"
        for text in _enter(connection, ticket, nothing, source, band_frac, signed):
            yield f"{ticket.side} {ticket.symbol}: {text}"


def _enter(
    connection: sqlite3.Connection,
    ticket: Ticket,
    entered: Entered,
    source: str,
    band_frac: float,
    signed: Signed,
) -> tuple[str, ...]:
    found = deviations(ticket, entered, band_frac=band_frac)
    refuse_unexplained(ticket, found, signed.reason)
    fill_session = session_after(ticket.session)
    own = min(entered.shares, ticket.left)
    store.add_fill(connection, ticket, replace(entered, shares=own), source, fill_session, signed)
    if entered.shares > own:  # what the ticket does not have is a trade of its own
        beyond = replace(entered, shares=entered.shares - own, fee_cents=0)
        row = Row(f"{source}:beyond", ticket.symbol, ticket.side, beyond)
        _add_foreign(connection, row, fill_session, signed.reason)
    if own == ticket.left:
        store.set_status(connection, ticket.order_id, Status.FILLED, signed.reason, among=OPEN)
    elif entered.ends:
        ended = Status.CANCELED if ticket.is_canceling else Status.EXPIRED
        reason = signed.reason or "canceled on request"
        store.set_status(connection, ticket.order_id, ended, reason, among=OPEN)
    return found


def _add_foreign(connection: sqlite3.Connection, row: Row, session: date, reason: str) -> None:
    sign = -1 if row.side == "SELL" else 1
    cents = notional_cents([(row.entered.shares, row.entered.price)])
    store.add_activity(
        connection,
        Activity(
            row.source,
            "fill",
            row.symbol,
            Decimal(sign * row.entered.shares),
            -sign * cents - row.entered.fee_cents,
            session,
            reason,
        ),
    )


def _open_ticket(tickets: Iterable[Ticket], symbol: str, side: Side) -> Ticket | None:
    """Return the first open ticket of the symbol and side."""
    return next((one for one in tickets if (one.symbol, one.side) == (symbol, side)), None)


def _without_ticket(session: date, name: str) -> ConfigError:
    return ConfigError(
        f"{session} has no open ticket for '{ascii_label(name)}'.",
        remedy="List the tickets with `afterclose fills show`. Nothing was entered.",
    )
