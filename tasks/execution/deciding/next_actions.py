"""Decide what an execution does next: sales, then buys with the cash that came in. Pure: no clock, disk or network.

Every line of the approval has at most one order at a time; its last part shows its progress. An order is stored before
it is sent, may wait for its window while stored, and is sized again as long as it was never sent.
"""

from tasks.core.sessions import exchange_minute
from tasks.execution.deciding.actions import Action, Cancel, Finish, Send, View
from tasks.execution.deciding.buys import CONFIRMATION, buy_actions
from tasks.execution.deciding.cancellations import (
    changed_cancels,
    closing_actions,
    halt_actions,
    stray_cancels,
)
from tasks.execution.deciding.parts import admission_why, deadline_of, latest_parts, rows_of
from tasks.execution.deciding.pausing import pause
from tasks.execution.deciding.sales import sale_actions
from tasks.execution.execution import Stage
from tasks.execution.schema import AT_BROKER


def next_actions(view: View) -> tuple[Action, ...]:
    """Return what to do now. The last action is always Wait or Finish, or there is something to do at once."""
    execution = view.execution
    if execution.first_intent_at is None and view.at >= execution.expires_at:
        before = exchange_minute(execution.expires_at)
        return (Finish(Stage.LAPSED, f"no order was stored before {before}, so the approval lapsed"),)
    actions = [*stray_cancels(view), *changed_cancels(view)]
    if view.at >= execution.ends_at:
        actions += closing_actions(view)
    else:
        if view.must_cancel:
            is_partial = view.admission.admits == "reductions"
            actions += halt_actions(view.orders, view.stated, sales_pass=is_partial, why=admission_why(view))
        if view.admission.admits != "nothing":
            actions += _phases(view)
    if any(not isinstance(action, Cancel) for action in actions):
        return tuple(actions)
    return (*actions, pause(view))


def _phases(view: View) -> list[Action]:
    """Return actions for sales, or for buys once all sales are final or given up; near the close, for both."""
    latest = latest_parts(view)
    actions = [*sale_actions(view, latest)]
    if any(not isinstance(action, Cancel) for action in actions):
        return actions
    sells = [latest.get(row) for row in rows_of(view, "SELL")]
    is_over = view.at >= deadline_of(view) + CONFIRMATION or all(
        tracked is not None
        and (tracked.state.is_final or (view.rules.timing == "at_close" and tracked.state in AT_BROKER))
        for tracked in sells
    )
    if is_over and view.admission.admits == "everything":
        actions += buy_actions(view, latest)
    elif (
        is_over and not view.must_cancel
    ):  # buys that are too large for a gate shrink, so that they can pass it
        actions += [action for action in buy_actions(view, latest) if not isinstance(action, Send)]
    return actions
