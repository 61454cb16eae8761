"""Give up an order that never becomes final, in the name of a person, so that its execution can end.

No broker is asked: its account may be gone. Fills of the order are still booked whenever the broker reports them.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.execution.desk import Outcome, Progress
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal import Journal, prepare, read_execution, read_orders, start_run
from tasks.execution.order_state import Event
from tasks.execution.remaining import remaining
from tasks.execution.schema import AT_BROKER, State, Tracked
from tasks.ledger.database import opened


def give_up(
    home: Home,
    session: date,
    order_id: str,
    *,
    by: str,
    reason: str,
    at: datetime,
    log: Callable[[Tracked], object],
) -> Progress:
    """Give up one order; the execution ends with the last one that may be at the broker.

    `log` is called before anything is stored. Raises SafetyError before the end of the order's session, and for an
    order that is final or was never sent.
    """
    with exclusive(home.portfolio_lock, doing="execute --give-up"), opened(home) as connection:
        prepare(connection)
        execution = read_execution(connection, session)
        if execution is None:
            raise SafetyError(
                f"{session} is not being executed.",
                remedy="Check the session: `afterclose execute D --json` lists the orders of an execution.",
            )
        tracked = _named(read_orders(connection, session), order_id, session)
        if why := objection_to_giving_up(execution, tracked, at):
            raise SafetyError(
                f"{order_id} cannot be given up: {why}.",
                remedy=f"Run `afterclose execute {session} --no-dry-run`.",
            )
        log(tracked)
        journal = start_run(connection, session, at)
        with journal.writing():
            journal.store_event(tracked, Event.GIVEN_UP, at=at, reason=f"given up by {by}: {reason}")
            open_orders = [one for one in read_orders(connection, session) if one.state in AT_BROKER]
            if not open_orders and execution.stage is Stage.ACTIVE:
                _end(journal, read_orders(connection, session), at)
        return _progress(
            read_execution(connection, session) or execution, read_orders(connection, session), at
        )


def objection_to_giving_up(execution: Execution, tracked: Tracked, at: datetime) -> str:
    """Return why the order is not given up now; "" if it may be. Pure."""
    if tracked.state.is_final:
        return f"it is {tracked.state} already"
    if tracked.state not in AT_BROKER:
        return "it was never sent, and is void at the end of its session"
    if at < execution.ends_at:
        return f"its session has not ended: it may fill until {execution.ends_at:%Y-%m-%d %H:%M} UTC"
    return ""


def _named(orders: Iterable[Tracked], order_id: str, session: date) -> Tracked:
    for tracked in orders:
        if tracked.order.order_id == order_id:
            return tracked
    raise ConfigError(
        f"{session} has no order {order_id}.",
        remedy=f"`afterclose execute {session} --json` lists the orders.",
    )


def _end(journal: Journal, orders: Iterable[Tracked], at: datetime) -> None:
    for tracked in orders:
        if tracked.state is State.INTENDED:
            journal.store_event(tracked, Event.VOIDED, at=at, reason="the session has ended")
    journal.end(Stage.FINISHED, at=at, reason="ended by a person, who gave up what was open")


def _progress(execution: Execution, orders: tuple[Tracked, ...], at: datetime) -> Progress:
    if execution.stage is not Stage.ACTIVE:
        return Progress(Outcome.ENDED, execution.reason, None, execution, orders)
    left = remaining((one.state for one in orders if one.state in AT_BROKER), without_order=0)
    return Progress(Outcome.WAITING, left.text(), at, execution, orders)
