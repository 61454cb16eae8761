"""Book what the broker reports about the orders of ended executions: a fill may arrive after the end."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tasks.core.homes.home import Home
from tasks.execution.bookings import new_entries
from tasks.execution.brokers.base import Broker, BrokerOrder, ThrottledError, UnansweredError
from tasks.execution.execution import Execution
from tasks.execution.journal import booked_of, ended_executions, read_orders, start_run
from tasks.execution.lookups import LookUps, conflict_of
from tasks.execution.schema import State, Tracked

REACH = timedelta(days=7)  # five sessions; an older total changes through an activity


@dataclass(frozen=True)
class Asking:
    """What a look-up needs."""

    home: Home
    connection: sqlite3.Connection
    broker: Broker
    clock: Callable[[], datetime]


def late_sessions(connection: sqlite3.Connection, today: date) -> tuple[date, ...]:
    """Return the recent sessions whose execution has ended with an order that was not filled in full."""
    executions = ended_executions(connection, since=today - REACH)
    return tuple(one.session for one in executions if any(_unfilled(connection, one)))


def book_late_fills(asking: Asking, today: date) -> int:
    """Look up the orders of recent executions that ended without being filled in full; return how many had changed.

    An order that cannot be read is asked for the next time.
    """
    count = 0
    for execution in ended_executions(asking.connection, since=today - REACH):
        changed = [
            (tracked, stated)
            for tracked in _unfilled(asking.connection, execution)
            if (stated := _stated(asking.broker, tracked)) is not None and _is_news(asking, tracked, stated)
        ]
        if changed:
            run = start_run(asking.connection, execution.session, asking.clock())
            look_ups = LookUps(asking, run, execution)
            for tracked, stated in changed:
                look_ups.record(tracked, stated)
            count += len(changed)
    return count


def _unfilled(connection: sqlite3.Connection, execution: Execution) -> Iterator[Tracked]:
    for tracked in read_orders(connection, execution.session):
        booked = booked_of(connection, tracked.order)
        if tracked.sends and tracked.state is not State.REJECTED and booked.shares < tracked.order.shares:
            yield tracked


def _stated(broker: Broker, tracked: Tracked) -> BrokerOrder | None:
    try:
        return broker.order(tracked.order.order_id)
    except (UnansweredError, ThrottledError):
        return None


def _is_news(asking: Asking, tracked: Tracked, stated: BrokerOrder) -> bool:
    order, at = tracked.order, asking.clock()
    booked = booked_of(asking.connection, order)
    is_ours = not conflict_of(order, stated)
    return is_ours and bool(new_entries(order, stated, booked, session=order.session, at=at))
