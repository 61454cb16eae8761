"""When something may have changed, and what is awaited until then; or that everything is done. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from tasks.execution.deciding.actions import Finish, View, Wait
from tasks.execution.deciding.parts import admission_why, deadline_of, latest_parts
from tasks.execution.deciding.shape import is_ready
from tasks.execution.execution import Stage
from tasks.execution.remaining import Remaining, remaining
from tasks.execution.schema import AT_BROKER, State, Tracked

ABSENT_AFTER = timedelta(minutes=10)  # after the close: an order that cannot be found by then never arrived
LATE_FILLS = timedelta(seconds=30)  # after a cancellation
QUIET_AFTER, QUIET_POLL = timedelta(minutes=5), timedelta(minutes=15)  # outside the session's hours
REQUESTS_PER_S = Decimal("2.5")  # look-ups of open orders


def pause(view: View) -> Wait | Finish:
    """Return until when there is nothing to do, and why; or that all is done."""
    execution, at = view.execution, view.at
    latest = latest_parts(view)
    waiting = [tracked for tracked in latest.values() if tracked.state is State.INTENDED]
    sent = [tracked for tracked in view.orders if tracked.state in AT_BROKER]
    if len(latest) == len(execution.lines) and not waiting and not sent:
        quiet_at = max(
            (one.changed_at + LATE_FILLS for one in view.orders if _may_fill_late(one)), default=at
        )
        return Wait(quiet_at, "late fills") if quiet_at > at else Finish(Stage.FINISHED, _summary(view))
    left = remaining(
        (one.state for one in [*waiting, *sent]), without_order=len(execution.lines) - len(latest)
    )
    if at >= execution.ends_at:
        absent_at = execution.ends_at + ABSENT_AFTER
        is_early = at < absent_at and all(one.state is State.UNKNOWN for one in sent)
        return Wait(absent_at if is_early else at + _poll(view), left.text(with_states=True))
    if view.admission.admits == "nothing":
        return Wait(at + _poll(view), admission_why(view))
    return Wait(_next_instant(view, waiting, sent), _why(view, left))


def _next_instant(view: View, waiting: list[Tracked], sent: list[Tracked]) -> datetime:
    """Return when something can have changed: the next window, the open, the deadline, or the next look-up."""
    execution, at = view.execution, view.at
    instants = [execution.opens_at, deadline_of(view), execution.closes_at, execution.ends_at]
    instants += [max(view.takes(one.order, at), at) for one in waiting]
    rests = view.rules.fills_from_bars or at < execution.opens_at
    is_busy = not rests or any(one.state is not State.WORKING for one in sent)
    if is_busy or any(is_ready(view, one.order) for one in waiting):
        instants.append(at + _poll(view))
    return min((instant for instant in instants if instant > at), default=at + _poll(view))


def _poll(view: View) -> timedelta:
    """Return the time between two looks at the broker: longer with many open orders, for its rate limit.

    Outside the session's hours it is longer still once nothing has changed for a while: nobody waits overnight.
    """
    execution = view.execution
    is_quiet = all(view.at >= tracked.changed_at + QUIET_AFTER for tracked in view.orders)
    if is_quiet and not execution.opens_at <= view.at < execution.closes_at:
        return max(view.rules.poll, QUIET_POLL)
    count = sum(tracked.state in AT_BROKER for tracked in view.orders)
    return max(view.rules.poll, timedelta(seconds=float(count / REQUESTS_PER_S)))


def _may_fill_late(tracked: Tracked) -> bool:
    return tracked.sends > 0 and tracked.state in {State.CANCELED, State.EXPIRED}


def _why(view: View, left: Remaining) -> str:
    text = left.text(with_states=True)
    if left.open_states:
        return text
    if view.admission.admits == "reductions":
        return f"{text}, held back: {admission_why(view)}"
    return f"{text}: waiting for their window, the open or a price"


def _summary(view: View) -> str:
    """Count the orders by state, without those that were never sent because another part replaced them."""
    last = latest_parts(view)
    orders = [one for one in view.orders if one.sends > 0 or one is last[one.order.row]]
    counts = {state: sum(tracked.state is state for tracked in orders) for state in State if state.is_final}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "there were no trades"
