"""What to do next about the sales. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from tasks.approval.schema import Line
from tasks.execution.deciding.actions import Action, Intend, Resize, Send, View, Void
from tasks.execution.deciding.cancellations import cancel_of, outside_before_open
from tasks.execution.deciding.parts import deadline_of, own_ids, rows_of, void_why
from tasks.execution.deciding.shape import differs, dropped, is_ready, may_resend, order_now
from tasks.execution.deciding.sizing import approved_shares, least_shares, sellable_shares
from tasks.execution.schema import AT_BROKER, State, Tracked

NO_SHARES = Decimal(0)


def sale_actions(view: View, latest: Mapping[int, Tracked]) -> Iterator[Action]:
    """Yield what to do about the sales: void, intend, resize, send, cancel."""
    is_late = view.at >= deadline_of(view)
    ours = own_ids(view)
    for row, line in rows_of(view, "SELL").items():
        tracked = latest.get(row)
        shares = sellable_shares(line, view.facts, ours)
        if tracked is None or tracked.state is State.INTENDED:
            yield from _unsent_sell(view, row, line, tracked, shares, is_late=is_late)
        elif tracked.state in AT_BROKER:
            yield from _sell_at_broker(view, line, tracked, shares, is_late=is_late)


def _unsent_sell(
    view: View, row: int, line: Line, tracked: Tracked | None, shares: int, *, is_late: bool
) -> Iterator[Action]:
    wanted = order_now(view, row, line, shares or approved_shares(line), tracked)
    if why := "the deadline for sells has passed" if is_late else void_why(view, row, line):
        yield dropped(view, row, line, tracked, why)
    elif tracked is None:
        yield Intend(wanted, "approved")
    elif is_ready(view, tracked.order):
        if shares < least_shares(line):
            yield Void(tracked.order.order_id, f"only {shares} of {line.shares} shares can be sold")
        elif differs(tracked.order, wanted):
            yield Resize(tracked.order.order_id, wanted, f"{shares} of {line.shares} shares can be sold")
        else:
            yield Send(tracked.order.order_id)


def _sell_at_broker(
    view: View, line: Line, tracked: Tracked, shares: int, *, is_late: bool
) -> Iterator[Action]:
    left = tracked.order.shares - view.filled.get(tracked.order.order_id, NO_SHARES)
    if is_late:
        yield from cancel_of(view, tracked, "the deadline for sells has passed")
    elif tracked.state is State.CANCELING:
        yield from cancel_of(view, tracked, tracked.reason)
    elif left > shares:
        yield from cancel_of(view, tracked, f"only {shares} shares can still be sold")
    elif why := outside_before_open(view, line):
        yield from cancel_of(view, tracked, why)
    elif may_resend(view, line, tracked):
        yield Send(tracked.order.order_id)
