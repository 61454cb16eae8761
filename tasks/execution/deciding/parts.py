"""What a view holds of each line: its last order, the rows of a side, until when sales are waited for."""

from datetime import datetime

from tasks.approval.schema import Line
from tasks.execution.deciding.actions import View
from tasks.execution.deciding.sizing import outside_band
from tasks.execution.schema import Side, Tracked


def latest_parts(view: View) -> dict[int, Tracked]:
    """Return the last order of each line, by row."""
    return {tracked.order.row: tracked for tracked in sorted(view.orders, key=lambda one: one.order.part)}


def rows_of(view: View, side: Side) -> dict[int, Line]:
    """Return the lines of one side, by row."""
    return {row: line for row, line in enumerate(view.execution.lines) if line.side == side}


def own_ids(view: View) -> frozenset[str]:
    """Return the ids of all orders of the execution."""
    return frozenset(tracked.order.order_id for tracked in view.orders)


def deadline_of(view: View) -> datetime:
    """Return until when sales are waited for: to the close if they fill there."""
    execution, minutes = view.execution, view.rules.deadline
    if view.rules.timing == "at_close" or view.rules.fills_from_bars or not minutes:
        return execution.ends_at
    return min(execution.opens_at + minutes, execution.closes_at)


def void_why(view: View, row: int, line: Line) -> str:
    """Return why an order that was never sent is not sent at all; "" if it may be."""
    reduction = view.reductions.get(row)
    return reduction.why if reduction is not None and not reduction.shares else outside_band(line, view.facts)


def admission_why(view: View) -> str:
    """Return why not everything is admitted."""
    return view.admission.why or view.admission.gate
