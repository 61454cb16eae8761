"""State what an interrupted `execute` leaves at the broker, as the journal has it."""

from collections.abc import Iterable
from datetime import datetime

from flows.terminal import Options, with_home
from tasks.core.clock import now
from tasks.core.errors import AftercloseError
from tasks.core.homes.opening import find_home, session_named
from tasks.core.sessions import exchange_minute
from tasks.core.text import counted
from tasks.execution.execution import Execution
from tasks.execution.journal import active_sessions, prepare, read_execution, read_orders
from tasks.execution.schema import AT_BROKER, Tracked
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import opened

AFTER_A_LAPSE = "`afterclose daily` proposes the next list."
BEFORE_THE_OPEN = "before the next open (09:30 New York time), or the day lapses"
CANCEL = "to cancel instead: `afterclose kill-switch trip`"


def open_at_broker(orders: Iterable[Tracked]) -> str:
    """Name the orders that may fill."""
    left = [one.order for one in orders if one.state in AT_BROKER]
    if not left:
        return "No order is open"
    named = ", ".join(f"{order.side} {order.shares} {order.symbol}" for order in left)
    return f"{counted(len(left), 'order')} may be open at the broker: {named}"


def nothing_stored(execution: Execution, at: datetime) -> str:
    """Say until when the execution has to store its first order, or that it is too late; "" once one is stored."""
    if execution.begins_before is None:
        return ""
    before = exchange_minute(execution.begins_before)
    if at >= execution.begins_before:
        return f" No order was stored before {before}, so the approval lapsed. {AFTER_A_LAPSE}"
    again = f"afterclose execute {execution.session} --no-dry-run"
    return f" No order is stored yet: run `{again}` before {before}, or the day lapses."


def orders_left(options: Options, day: str | None) -> str:
    """Return what of the session, by default of all that are being executed, is at the broker, and what to do next."""
    try:
        return with_home(_orders_left(options, day), options)
    except AftercloseError as error:
        return f"What was sent is unknown: {error.what} Find out: `afterclose reconcile`."


def _orders_left(options: Options, day: str | None) -> str:
    home = find_home(options.home)
    named = [] if day is None else [session_named(day, at=now()).day]
    begun = {}
    if is_begun(home):
        with opened(home) as connection:
            prepare(connection)
            for session in named or active_sessions(connection):
                if (execution := read_execution(connection, session)) is not None:
                    begun[session] = execution, read_orders(connection, session)
    if not begun:
        again = f"afterclose execute {day} --no-dry-run" if day else "afterclose execute --no-dry-run"
        return f"No order was sent: the execution has not begun. To begin it: `{again}`, {BEFORE_THE_OPEN}."
    return "\n".join(
        f"{session}: {open_at_broker(orders)}. Nothing was canceled by this. Continue: "
        f"`afterclose execute {session} --no-dry-run`; {CANCEL}.{nothing_stored(execution, now())}"
        for session, (execution, orders) in begun.items()
    )
