"""What is canceled: at a halt, before the open, after the close, and whatever should not be open. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from tasks.approval.schema import Line
from tasks.execution.brokers.base import BrokerOrder, Status
from tasks.execution.deciding.actions import Action, Cancel, View
from tasks.execution.deciding.parts import latest_parts
from tasks.execution.deciding.shape import dropped
from tasks.execution.deciding.sizing import outside_band
from tasks.execution.schema import AT_BROKER, State, Tracked


def halt_actions(
    orders: Iterable[Tracked], stated: Mapping[str, BrokerOrder | None], *, sales_pass: bool, why: str
) -> tuple[Cancel, ...]:
    """Return the cancellations of everything that may be at the broker and is not admitted.

    An order without an answer is canceled too: there may be nothing to cancel, which does no harm.
    """
    return tuple(
        Cancel(tracked.order.order_id, why)
        for tracked in orders
        if not (sales_pass and tracked.order.is_sale)
        and (tracked.state is State.UNKNOWN or _needs_cancel(tracked, stated))
    )


def cancel_of(view: View, tracked: Tracked, why: str) -> Iterator[Cancel]:
    """Yield the cancellation of an order that may be open at the broker."""
    if _needs_cancel(tracked, view.stated):
        yield Cancel(tracked.order.order_id, why)


def _needs_cancel(tracked: Tracked, stated: Mapping[str, BrokerOrder | None]) -> bool:
    """Return whether to ask for a cancellation: again as long as the broker states that the order is simply open."""
    found = stated.get(tracked.order.order_id)
    is_asked_in_vain = tracked.state is State.CANCELING and found is not None and found.status is Status.OPEN
    return tracked.state is State.WORKING or is_asked_in_vain


def outside_before_open(view: View, line: Line) -> str:
    """Return why an order that rests at the broker is void before the open: its price moved."""
    return outside_band(line, view.facts) if view.at < view.execution.opens_at else ""


def stray_cancels(view: View) -> Iterator[Action]:
    """Cancel what the broker has open although it should not be."""
    ended = {
        tracked.order.order_id
        for tracked in view.orders
        if tracked.state.is_final and tracked.state is not State.FILLED
    }
    for order in view.facts.open_orders:
        if order.order_id in ended and order.status is Status.OPEN:
            yield Cancel(order.order_id, "the order has ended here, and is open at the broker")


def changed_cancels(view: View) -> Iterator[Action]:
    """Cancel open orders in a name that splits or changes its symbol, regardless of what may be sent now."""
    for tracked in view.orders:
        reduction = view.reductions.get(tracked.order.row)
        if reduction is not None and reduction.cancels:
            yield from cancel_of(view, tracked, reduction.why)


def closing_actions(view: View) -> Iterator[Action]:
    """Yield what to do after the end: nothing is sent any more, and what is open is canceled."""
    why = "the session has ended"
    latest = latest_parts(view)
    for row, line in enumerate(view.execution.lines):
        tracked = latest.get(row)
        if tracked is None or tracked.state is State.INTENDED:
            yield dropped(view, row, line, tracked, why)
        elif tracked.state in AT_BROKER:
            yield from cancel_of(view, tracked, why)
