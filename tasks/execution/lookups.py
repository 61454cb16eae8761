"""Ask the broker for orders by their ids, and store and book what it states of them."""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Protocol

from tasks.core.homes.home import Home
from tasks.core.sessions import session_after
from tasks.execution.bookings import new_entries
from tasks.execution.brokers.base import Broker, BrokerOrder, Status, UnansweredError
from tasks.execution.deciding.pausing import ABSENT_AFTER
from tasks.execution.execution import Execution
from tasks.execution.journal import Journal, booked_of
from tasks.execution.order_state import REPORTED, Event, next_state
from tasks.execution.schema import Order, Tracked
from tasks.ledger.entries import Entry
from tasks.ledger.store import plain


class Asks(Protocol):
    """What a look-up needs of a desk."""

    @property
    def home(self) -> Home: ...
    @property
    def connection(self) -> sqlite3.Connection: ...
    @property
    def broker(self) -> Broker: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...


class LookUps:
    """The look-ups of one step, and their results."""

    def __init__(self, desk: Asks, journal: Journal, execution: Execution) -> None:
        self._desk, self._journal, self._execution = desk, journal, execution
        self.stated: dict[str, BrokerOrder | None] = {}  # by order id; None: the broker has no such order
        self.failed: UnansweredError | None = None  # the first question without an answer
        self.conflict = ""  # how an order of the broker differs from ours of the same id

    def ask_for(self, orders: Iterable[Tracked]) -> None:
        """Ask for each order by its id. An order that cannot be read stays as it is, and does not stop the others."""
        for tracked in orders:
            try:
                stated = self._desk.broker.order(tracked.order.order_id)
            except UnansweredError as error:
                self.failed = self.failed or error
                continue
            self.stated[tracked.order.order_id] = stated
            self.record(tracked, stated)

    def record(self, tracked: Tracked, stated: BrokerOrder | None, *, always: bool = False) -> Tracked:
        """Store what the broker states of the order, and book its fills, in one transaction.

        Without `always`, an answer that changes nothing is not stored.
        """
        at, event, reason = self._meaning(tracked, stated)
        session = self._booking_session()
        entries: tuple[Entry, ...] = ()
        if stated is not None and event is not Event.CONFLICTING:
            booked = booked_of(self._desk.connection, tracked.order)
            entries = new_entries(tracked.order, stated, booked, session=session, at=at)
        if not (always or entries or next_state(tracked.state, event) is not tracked.state):
            return tracked
        with self._journal.writing():
            if stated is not None and entries:
                self._journal.book(tracked.order, stated, session=session, at=at)
            return self._journal.store_event(tracked, event, at=at, reason=reason, stated=stated)

    def _meaning(self, tracked: Tracked, stated: BrokerOrder | None) -> tuple[datetime, Event, str]:
        at = self._desk.clock()
        if stated is None:
            if at >= self._execution.ends_at + ABSENT_AFTER and self._is_our_account():
                return (
                    at,
                    Event.NOT_FOUND_AFTER_CLOSE,
                    "the broker does not have it after the end of the session",
                )
            return at, Event.NOT_FOUND, "the broker does not find it"
        if why := conflict_of(tracked.order, stated):
            self.conflict = why
            return at, Event.CONFLICTING, why
        status = stated.status
        if status is Status.FILLED and stated.filled_shares < tracked.order.shares:
            status = Status.OPEN  # the total is an old one: asked again
        return at, REPORTED[status], stated.reason or f"the broker states that it is {stated.status}"

    def _is_our_account(self) -> bool:
        """Return whether this is the approved account: in another one, nothing of ours is ever found."""
        account = self._desk.broker.account()
        return (account.account, account.mode) == (self._execution.account, self._execution.mode)

    def _booking_session(self) -> date:
        """Return the session that fills count on: the fill session, or the first one after those that are published."""
        session = self._execution.fill_session
        while self._desk.home.day_folder(session).exists():
            session = session_after(session)
        return session


def conflict_of(order: Order, stated: BrokerOrder) -> str:
    """Return how the broker's order under this id differs from ours; "" if it is ours."""
    ours = f"{order.side} {order.shares} {order.symbol}"
    found = f"{stated.side} {plain(stated.shares)} {stated.symbol}"
    if ours == found:
        return ""
    return f"the broker has a different order under {order.order_id}: {found}, not {ours}"
