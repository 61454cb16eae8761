"""The order of a line as it would be now, and whether it could leave now. Pure."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tasks.approval.schema import Line
from tasks.execution.brokers.base import Quote
from tasks.execution.deciding.actions import Skip, View, Void
from tasks.execution.deciding.parts import own_ids, void_why
from tasks.execution.deciding.sizing import approved_shares, foreign_orders, limit_price
from tasks.execution.order_ids import order_id
from tasks.execution.schema import Order, State, Timing, Tracked

RESEND_AFTER = timedelta(seconds=10)  # times the requests so far
MOST_SENDS = 5
LAST_SEND = timedelta(minutes=1)  # before the close: a later request might wait for the next session


def order_now(view: View, row: int, line: Line, shares: int, tracked: Tracked | None) -> Order:
    """Return the order of a line as it would be stored now; `tracked` is the one that it would take the place of."""
    execution, timing = view.execution, _timing(view, line)
    part = 0 if tracked is None else tracked.order.part + 1
    quote = view.facts.quotes.get(line.symbol)
    price = Decimal(line.price) if quote is None else quote.price
    return Order(
        order_id=order_id(
            execution.account, execution.session, execution.approval_sha256, row=row, part=part
        ),
        session=execution.session,
        row=row,
        part=part,
        symbol=line.symbol,
        side=line.side,
        shares=shares,
        timing=timing,
        limit_price=limit_price(line, price, view.rules.collar_frac) if timing == "limit" else None,
    )


def _timing(view: View, line: Line) -> Timing:
    """Return the timing of the settings, or "market" where the auction of the open is over: buys follow the sales."""
    timing = view.rules.timing
    if timing == "at_open" and line.side == "BUY" and view.at >= view.execution.opens_at:
        return "market"
    return timing


def fills_at_quote(view: View, line: Line) -> bool:
    """Return whether the quote is the price of the fill: the open of a stored bar."""
    return view.rules.fills_from_bars and _timing(view, line) == "market"


def differs(order: Order, wanted: Order) -> bool:
    """Return whether the stored order is another one than is wanted now."""
    return replace(wanted, order_id=order.order_id, part=order.part) != order


def dropped(view: View, row: int, line: Line, tracked: Tracked | None, why: str) -> Skip | Void:
    """Return that a line gets no order, or that the one it has is never sent."""
    if tracked is not None:
        return Void(tracked.order.order_id, why)
    return Skip(order_now(view, row, line, approved_shares(line), None), why)


def is_ready(view: View, order: Order) -> bool:
    """Return whether the order could leave now, as far as its window, its price and other orders are concerned."""
    execution, facts = view.execution, view.facts
    quote = facts.quotes.get(order.symbol)
    is_opposed = any(
        foreign.symbol == order.symbol and foreign.side != order.side
        for foreign in foreign_orders(facts, own_ids(view))
    )
    return (
        not is_opposed
        and quote is not None
        and not facts.account.is_preliminary
        and not (facts.account.only_closing and not order.is_sale)
        and view.at < execution.ends_at - LAST_SEND
        and (order.is_sale or order.timing != "market" or view.rules.rehearses or _has_opened(view, quote))
        and view.takes(order, view.at) <= view.at
    )


def _has_opened(view: View, quote: Quote) -> bool:
    """Return whether the fill session has opened; where fills come from bars, once its open is the quote."""
    known_at = min(view.at, quote.at) if view.rules.fills_from_bars else view.at
    return known_at >= view.execution.opens_at


def may_resend(view: View, line: Line, tracked: Tracked) -> bool:
    """Return whether an order without an answer is sent again: only where the id prevents a second one."""
    name = tracked.order.order_id
    return (
        tracked.state is State.UNKNOWN
        and view.rules.has_unique_ids
        and name in view.stated
        and view.stated[name] is None
        and tracked.sends < MOST_SENDS
        and view.at >= tracked.changed_at + RESEND_AFTER * tracked.sends
        and not void_why(view, tracked.order.row, line)
        and is_ready(view, tracked.order)
    )
