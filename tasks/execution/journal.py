"""The journal of executions: what is executed, its orders, everything that happened to them, and who may write.

Tables in the ledger's database, so that a fill and the state of its order are one transaction. Every write checks, in
its transaction, that no newer run has begun: a process that was thought dead and comes back cannot change anything.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tasks.core.errors import SafetyError
from tasks.execution.bookings import Booked, booked_total, new_entries
from tasks.execution.brokers.base import BrokerOrder
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal_rows import (
    PART,
    TABLES,
    VERSION,
    execution_cells,
    execution_of,
    instant_cell,
    order_cells,
    tracked_of,
)
from tasks.execution.order_state import Event, after
from tasks.execution.schema import Order, State, Tracked
from tasks.ledger.database import ensure_tables, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.store import append

ORDER_COLUMNS = (
    "order_id, session, row, part, symbol, side, shares, timing, limit_price, "
    "state, sends, reason, changed_at"
)


class FencedError(SafetyError):
    """A newer run has taken over."""


@dataclass(frozen=True)
class Happened:
    """One event of an order, or of the execution if `order_id` is empty, as it is stored."""

    number: int
    session: date
    order_id: str
    run: int
    at: datetime
    event: str
    state: str
    filled_shares: str  # as the broker stated it; "" if it did not
    filled_cents: int
    reason: str


@dataclass(frozen=True)
class Journal:
    """The journal as one run writes it. `token` is the run's, from `start_run`."""

    connection: sqlite3.Connection
    session: date
    token: int

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Commit what the block writes, if this is still the newest run. Raises FencedError if it is not."""
        with transaction(self.connection):
            newest = self.connection.execute("SELECT max(token) FROM runs").fetchone()[0]
            if newest != self.token:
                raise FencedError(
                    f"A newer run ({newest}) has taken over from this one ({self.token}).",
                    remedy="Nothing to do: the newer run continues the execution.",
                )
            yield

    def store_intent(self, order: Order, *, why: str, at: datetime, is_void: bool = False) -> None:
        """Store a new order; a void one was never meant to be sent. Call it within `writing`."""
        tracked = Tracked(order, State.VOID if is_void else State.INTENDED, 0, why, at)
        self.connection.execute(
            f"INSERT INTO orders ({ORDER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            order_cells(tracked),
        )
        self._note(tracked, "skipped" if is_void else "intended", at, why)
        if not is_void:
            self.connection.execute(
                "UPDATE executions SET first_intent_at = ? WHERE session = ? AND first_intent_at IS NULL",
                (instant_cell(at), self.session.isoformat()),
            )

    def store_event(
        self,
        tracked: Tracked,
        event: Event,
        *,
        at: datetime,
        reason: str,
        stated: BrokerOrder | None = None,
    ) -> Tracked:
        """Store what happened to the order and return it as it is now. Call it within `writing`.

        Raises IllegalTransitionError.
        """
        changed = after(tracked, event, reason=reason, at=at)
        if changed is not tracked:
            self.connection.execute(
                "UPDATE orders SET state = ?, sends = ?, reason = ?, changed_at = ? WHERE order_id = ?",
                (changed.state, changed.sends, changed.reason, instant_cell(at), changed.order.order_id),
            )
        self._note(changed, event, at, reason, stated)
        return changed

    def book(self, order: Order, stated: BrokerOrder, *, session: date, at: datetime) -> tuple[Entry, ...]:
        """Book what the broker states beyond what is booked, and return it. Call it within `writing`."""
        booked = booked_of(self.connection, order)
        entries = new_entries(order, stated, booked, session=session, at=at)
        append(self.connection, entries)
        return entries

    def note(self, event: str, *, at: datetime, reason: str) -> None:
        """Store something that concerns the execution as a whole. Call it within `writing`."""
        self._insert_event("", at, event, "", None, reason)

    def note_news(self, event: str, *, at: datetime, reason: str) -> None:
        """Store how a step ended, unless the step before it ended in the same way. Call it within `writing`."""
        last = self.connection.execute(
            "SELECT event, reason FROM order_events WHERE session = ? AND order_id = '' ORDER BY number DESC LIMIT 1",
            (self.session.isoformat(),),
        ).fetchone()
        if last != (event, reason):
            self.note(event, at=at, reason=reason)

    def end(self, stage: Stage, *, at: datetime, reason: str) -> None:
        """Store that the execution has ended. Call it within `writing`."""
        self.connection.execute(
            "UPDATE executions SET stage = ?, reason = ? WHERE session = ?",
            (stage, reason, self.session.isoformat()),
        )
        self.note(stage, at=at, reason=reason)

    def _note(
        self, tracked: Tracked, event: str, at: datetime, reason: str, stated: BrokerOrder | None = None
    ) -> None:
        self._insert_event(tracked.order.order_id, at, event, tracked.state, stated, reason)

    def _insert_event(
        self, order_id: str, at: datetime, event: str, state: str, stated: BrokerOrder | None, reason: str
    ) -> None:
        filled = ("", 0) if stated is None else (str(stated.filled_shares), stated.filled_cents)
        self.connection.execute(
            "INSERT INTO order_events (session, order_id, run, at, event, state, filled_shares, filled_cents, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.session.isoformat(), order_id, self.token, instant_cell(at), event, state, *filled, reason),
        )


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables of the journal in the ledger's database, once."""
    ensure_tables(connection, PART, VERSION, TABLES)


def start_run(connection: sqlite3.Connection, session: date, at: datetime) -> Journal:
    """Take over: return the journal with the newest token; every earlier run is fenced off from now on."""
    prepare(connection)
    with transaction(connection):
        cursor = connection.execute(
            "INSERT INTO runs (session, process, started_at) VALUES (?, ?, ?)",
            (session.isoformat(), os.getpid(), instant_cell(at)),
        )
        token = int(cursor.lastrowid or 0)
    return Journal(connection, session, token)


def store_execution(connection: sqlite3.Connection, execution: Execution) -> Execution:
    """Store the execution and return it; the one that is stored if it is of the same approval.

    Raises SafetyError if the session is being executed under another approval.
    """
    prepare(connection)
    with transaction(connection):
        known = read_execution(connection, execution.session)
        if known is None:
            connection.execute(
                "INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", execution_cells(execution)
            )
            return execution
    if known.approval_sha256 != execution.approval_sha256:
        raise SafetyError(
            f"{execution.session} is being executed under another approval.",
            remedy="An execution that has begun keeps its approval: trip the kill switch if it must stop.",
            session=execution.session.isoformat(),
        )
    return known


def read_execution(connection: sqlite3.Connection, session: date) -> Execution | None:
    """Return the execution of the session; None if it has not begun."""
    row = connection.execute(
        "SELECT session, approval_sha256, account, mode, fill_session, terms, created_at, stage, reason, "
        "first_intent_at FROM executions WHERE session = ?",
        (session.isoformat(),),
    ).fetchone()
    return None if row is None else execution_of(row)


def active_sessions(connection: sqlite3.Connection) -> tuple[date, ...]:
    """Return the sessions whose execution has not ended, oldest first."""
    prepare(connection)
    rows = connection.execute(
        "SELECT session FROM executions WHERE stage = ? ORDER BY session", (Stage.ACTIVE,)
    )
    return tuple(date.fromisoformat(row[0]) for row in rows)


def ended_executions(connection: sqlite3.Connection, *, since: date) -> tuple[Execution, ...]:
    """Return the executions that have ended and whose fill session is not before `since`, oldest first."""
    prepare(connection)
    rows = connection.execute(
        "SELECT session FROM executions WHERE stage != ? AND fill_session >= ? ORDER BY session",
        (Stage.ACTIVE, since.isoformat()),
    ).fetchall()
    found = (read_execution(connection, date.fromisoformat(row[0])) for row in rows)
    return tuple(execution for execution in found if execution is not None)


def has_sent(connection: sqlite3.Connection, order_id: str) -> bool:
    """Return whether a request with this id may have been carried out for this ledger, in any session."""
    row = connection.execute("SELECT 1 FROM orders WHERE order_id = ? AND sends > 0", (order_id,)).fetchone()
    return row is not None


def first_sent_by(run: Journal) -> frozenset[str]:
    """Return the ids of the orders of the session whose first request was of this run."""
    rows = run.connection.execute(
        "SELECT order_id FROM order_events WHERE session = ? AND event = ? GROUP BY order_id HAVING min(run) = ?",
        (run.session.isoformat(), Event.ABOUT_TO_SEND, run.token),
    )
    return frozenset(row[0] for row in rows)


def read_orders(connection: sqlite3.Connection, session: date) -> tuple[Tracked, ...]:
    """Return the orders of the execution, by row and part."""
    rows = connection.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE session = ? ORDER BY row, part",  # noqa: S608
        (session.isoformat(),),
    )
    return tuple(tracked_of(row) for row in rows)


def read_events(connection: sqlite3.Connection, session: date) -> tuple[Happened, ...]:
    """Return everything that happened in the execution, in order."""
    rows = connection.execute(
        "SELECT number, session, order_id, run, at, event, state, filled_shares, filled_cents, reason "
        "FROM order_events WHERE session = ? ORDER BY number",
        (session.isoformat(),),
    )
    return tuple(
        Happened(
            row[0], date.fromisoformat(row[1]), row[2], row[3], datetime.fromisoformat(row[4]), *row[5:10]
        )
        for row in rows
    )


def booked_of(connection: sqlite3.Connection, order: Order) -> Booked:
    """Return the totals of the order that are in the ledger."""
    rows = connection.execute(
        "SELECT source, shares, cash_cents, fee_cents FROM entries WHERE order_id = ?", (order.order_id,)
    )
    return booked_total(order, [(row[0], Decimal(row[1]), row[2], row[3]) for row in rows])


def filled_shares(connection: sqlite3.Connection, orders: Iterable[Tracked]) -> Mapping[str, Decimal]:
    """Return the booked shares of each order."""
    return {
        one.order.order_id: booked_of(connection, one.order).shares if one.sends else Decimal(0)
        for one in orders
    }


def ledger_cash_cents(connection: sqlite3.Connection) -> int:
    """Return the cash that is booked."""
    return int(connection.execute("SELECT coalesce(sum(cash_cents), 0) FROM entries").fetchone()[0])


def ledger_shares(connection: sqlite3.Connection, symbol: str) -> Decimal:
    """Return the shares of the symbol that are booked."""
    rows = connection.execute("SELECT shares FROM entries WHERE symbol = ?", (symbol,))
    return sum((Decimal(row[0]) for row in rows), Decimal(0))
