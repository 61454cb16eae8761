"""Decide what an execution does next: sales, then buys with the cash that came in. Pure: no clock, disk or network.

Every line of the approval has at most one order at a time; its last part says how far it is. An order is stored before
it is sent, may wait for its window while stored, and is sized again as long as it was never sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tasks.approval.schema import Line
from tasks.execution.actions import (
    Action,
    Cancel,
    Finish,
    Intend,
    Resize,
    Send,
    Skip,
    View,
    Void,
    Wait,
)
from tasks.execution.brokers.base import BrokerOrder, Quote, Status
from tasks.execution.execution import Stage
from tasks.execution.order_ids import order_id
from tasks.execution.reductions import reduced
from tasks.execution.schema import AT_BROKER, Order, Side, State, Timing, Tracked
from tasks.execution.sizing import (
    approved_shares,
    cash_at_quotes,
    fits_in,
    foreign_orders,
    least_shares,
    limit_price,
    outside_band,
    sellable_shares,
    size_buys,
    spendable_cents,
)

CONFIRMATION = timedelta(minutes=2)  # for canceled sales, and for proceeds to show in the account
RESEND_AFTER = timedelta(seconds=10)  # times the requests so far
MOST_SENDS = 5
LAST_SEND = timedelta(minutes=1)  # before the close: a later request might wait for the next session
ABSENT_AFTER = timedelta(minutes=10)  # after the close: an order that cannot be found by then never arrived
LATE_FILLS = timedelta(seconds=30)  # after a cancellation
QUIET_AFTER, QUIET_POLL = timedelta(minutes=5), timedelta(minutes=15)  # outside the session's hours
REQUESTS_PER_S = Decimal("2.5")  # look-ups of open orders
NO_SHARES = Decimal(0)


def next_actions(view: View) -> tuple[Action, ...]:
    """Return what to do now. The last action is always Wait or Finish, or there is something to do at once."""
    execution = view.execution
    if execution.first_intent_at is None and view.at >= execution.expires_at:
        return (Finish(Stage.LAPSED, f"no order was intended before {execution.expires_at.isoformat()}"),)
    actions = [*_strays(view), *_changed(view)]
    if view.at >= execution.ends_at:
        actions += _after_close(view)
    else:
        if view.must_cancel:
            is_partial = view.admission.admits == "reductions"
            actions += halt_actions(view.orders, view.stated, sales_pass=is_partial, why=_why(view))
        if view.admission.admits != "nothing":
            actions += _phases(view)
    if any(not isinstance(action, Cancel) for action in actions):
        return tuple(actions)
    return (*actions, _pause(view))


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


def latest_parts(view: View) -> dict[int, Tracked]:
    """Return the last order of each line, by row."""
    return {tracked.order.row: tracked for tracked in sorted(view.orders, key=lambda one: one.order.part)}


def deadline_of(view: View) -> datetime:
    """Return until when sales are waited for: to the close if they fill there."""
    execution, minutes = view.execution, view.rules.deadline
    if view.rules.timing == "at_close" or view.rules.fills_from_bars or not minutes:
        return execution.ends_at
    return min(execution.opens_at + minutes, execution.closes_at)


def _phases(view: View) -> list[Action]:
    """Return sales, or else buys: once all sales are final or given up, and at the close beside them."""
    latest = latest_parts(view)
    actions = [*_sells(view, latest)]
    if any(not isinstance(action, Cancel) for action in actions):
        return actions
    sells = [latest.get(row) for row in _rows(view, "SELL")]
    is_over = view.at >= deadline_of(view) + CONFIRMATION or all(
        tracked is not None
        and (tracked.state.is_final or (view.rules.timing == "at_close" and tracked.state in AT_BROKER))
        for tracked in sells
    )
    if is_over and view.admission.admits == "everything":
        actions += _buys(view, latest)
    elif (
        is_over and not view.must_cancel
    ):  # buys that are too large for a gate shrink, so that they can pass it
        actions += [action for action in _buys(view, latest) if not isinstance(action, Send)]
    return actions


# Sales


def _sells(view: View, latest: Mapping[int, Tracked]) -> Iterator[Action]:
    is_late = view.at >= deadline_of(view)
    ours = _ids(view)
    for row, line in _rows(view, "SELL").items():
        tracked = latest.get(row)
        shares = sellable_shares(line, view.facts, ours)
        if tracked is None or tracked.state is State.INTENDED:
            yield from _unsent_sell(view, row, line, tracked, shares, is_late=is_late)
        elif tracked.state in AT_BROKER:
            yield from _sell_at_broker(view, line, tracked, shares, is_late=is_late)


def _unsent_sell(
    view: View, row: int, line: Line, tracked: Tracked | None, shares: int, *, is_late: bool
) -> Iterator[Action]:
    wanted = _shaped(view, row, line, shares or approved_shares(line), tracked)
    if why := "the deadline for sales has passed" if is_late else _void_why(view, row, line):
        yield _dropped(view, row, line, tracked, why)
    elif tracked is None:
        yield Intend(wanted, "approved")
    elif _is_ready(view, tracked.order):
        if shares < least_shares(line):
            yield Void(tracked.order.order_id, f"only {shares} of {line.shares} shares can be sold")
        elif _differs(tracked.order, wanted):
            yield Resize(tracked.order.order_id, wanted, f"{shares} of {line.shares} shares can be sold")
        else:
            yield Send(tracked.order.order_id)


def _sell_at_broker(
    view: View, line: Line, tracked: Tracked, shares: int, *, is_late: bool
) -> Iterator[Action]:
    left = tracked.order.shares - view.filled.get(tracked.order.order_id, NO_SHARES)
    if is_late:
        yield from _canceled(view, tracked, "the deadline for sales has passed")
    elif tracked.state is State.CANCELING:
        yield from _canceled(view, tracked, tracked.reason)
    elif left > shares:
        yield from _canceled(view, tracked, f"only {shares} shares can still be sold")
    elif why := _outside_before_open(view, line):
        yield from _canceled(view, tracked, why)
    elif _may_resend(view, line, tracked):
        yield Send(tracked.order.order_id)


# Buys


def _buys(view: View, latest: Mapping[int, Tracked]) -> Iterator[Action]:
    lines = _rows(view, "BUY")
    for row, tracked in latest.items():
        if row in lines and tracked.state is State.CANCELING:
            yield from _canceled(view, tracked, tracked.reason)
        elif row in lines and (why := _outside_before_open(view, lines[row])):
            yield from _canceled(view, tracked, why)
    unsent = {
        row: line for row, line in lines.items() if row not in latest or latest[row].state is State.INTENDED
    }
    void = {row: why for row, line in unsent.items() if (why := _void_why(view, row, line))}
    for row, why in void.items():
        yield _dropped(view, row, lines[row], latest.get(row), why)
    open_lines = {
        row: reduced(line, view.reductions.get(row)) for row, line in unsent.items() if row not in void
    }
    is_first = not any(tracked.sends for row, tracked in latest.items() if row in lines)
    sized = _sized(view, open_lines, latest, is_first=is_first)
    for row, line in open_lines.items():
        yield from _unsent_buy(view, row, line, latest.get(row), sized.get(row))
    for row, tracked in latest.items():
        if row in lines and tracked.state is State.UNKNOWN and _is_affordable(view, lines[row], tracked):
            yield Send(tracked.order.order_id)


def _unsent_buy(
    view: View, row: int, line: Line, tracked: Tracked | None, shares: int | None
) -> Iterator[Action]:
    wanted = _shaped(view, row, line, shares or approved_shares(line), tracked)
    if tracked is None:
        is_whole = wanted.shares == approved_shares(line)
        yield Intend(wanted, _sized_why(view, row, "approved" if is_whole else "sized to the cash"))
    elif shares is not None and _is_ready(view, tracked.order) and _is_cash_there(view):
        if shares < least_shares(line):
            why = f"the cash pays for {shares} of {line.shares} shares"
            yield Void(tracked.order.order_id, _sized_why(view, row, why))
        elif _differs(tracked.order, wanted):
            why = "sized to the cash and the current price"
            yield Resize(tracked.order.order_id, wanted, _sized_why(view, row, why))
        else:
            yield Send(tracked.order.order_id)


def _sized(
    view: View, lines: Mapping[int, Line], latest: Mapping[int, Tracked], *, is_first: bool
) -> dict[int, int]:
    """Return the shares to buy by row. Once a buy was sent, the others keep their size while the cash suffices."""
    cash = spendable_cents(view.orders, view.filled, view.facts)
    if not all(_fills_at_quote(view, line) for line in lines.values()):
        cash = cash_at_quotes(cash, view.rules.collar_frac)
    quotes = view.facts.quotes
    prices = {row: quotes[line.symbol].price for row, line in lines.items() if line.symbol in quotes}
    kept = {row: latest[row].order.shares for row in prices if row in latest}
    if not is_first and len(kept) == len(prices) and kept and fits_in(kept, lines, prices, cash, view.costs):
        return kept
    return size_buys(lines, prices, cash, view.costs)


def _is_cash_there(view: View) -> bool:
    """Return whether account and ledger agree, or have had the time to.

    With less cash than is booked, the account does not show a sale yet, or a buy was filled that is not booked yet: its
    cost would be subtracted twice.
    """
    moved = [tracked.changed_at for tracked in view.orders if tracked.sends]
    is_behind = view.facts.account.cash_cents < view.facts.ledger_cash_cents
    return not (is_behind and moved and view.at < max(moved) + CONFIRMATION)


def _is_affordable(view: View, line: Line, tracked: Tracked) -> bool:
    """Return whether a buy without an answer may be sent again; its own cost is claimed already."""
    return _may_resend(view, line, tracked) and spendable_cents(view.orders, view.filled, view.facts) >= 0


# Both sides


def _rows(view: View, side: Side) -> dict[int, Line]:
    return {row: line for row, line in enumerate(view.execution.lines) if line.side == side}


def _void_why(view: View, row: int, line: Line) -> str:
    """Return why an order that was never sent is not sent at all; "" if it may be."""
    reduction = view.reductions.get(row)
    return reduction.why if reduction is not None and not reduction.shares else outside_band(line, view.facts)


def _sized_why(view: View, row: int, why: str) -> str:
    """Return why an order has its size, with the override that reduced it."""
    reduction = view.reductions.get(row)
    return why if reduction is None else f"{reduction.why}; {why}"


def _ids(view: View) -> frozenset[str]:
    return frozenset(tracked.order.order_id for tracked in view.orders)


def _fills_at_quote(view: View, line: Line) -> bool:
    """Return whether the quote is the price of the fill: the open of a stored bar."""
    return view.rules.fills_from_bars and _timing(view, line) == "market"


def _timing(view: View, line: Line) -> Timing:
    """Return the timing of the settings, or "market" where the auction of the open is over: buys follow the sales."""
    timing = view.rules.timing
    if timing == "at_open" and line.side == "BUY" and view.at >= view.execution.opens_at:
        return "market"
    return timing


def _shaped(view: View, row: int, line: Line, shares: int, tracked: Tracked | None) -> Order:
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


def _differs(order: Order, wanted: Order) -> bool:
    return replace(wanted, order_id=order.order_id, part=order.part) != order


def _dropped(view: View, row: int, line: Line, tracked: Tracked | None, why: str) -> Skip | Void:
    if tracked is not None:
        return Void(tracked.order.order_id, why)
    return Skip(_shaped(view, row, line, approved_shares(line), None), why)


def _is_ready(view: View, order: Order) -> bool:
    """Return whether the order could leave now, as far as its window, its price and other orders are concerned."""
    execution, facts = view.execution, view.facts
    quote = facts.quotes.get(order.symbol)
    is_opposed = any(
        foreign.symbol == order.symbol and foreign.side != order.side
        for foreign in foreign_orders(facts, _ids(view))
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


def _may_resend(view: View, line: Line, tracked: Tracked) -> bool:
    """Return whether an order without an answer is sent again: only where the id prevents a second one."""
    name = tracked.order.order_id
    return (
        tracked.state is State.UNKNOWN
        and view.rules.has_unique_ids
        and name in view.stated
        and view.stated[name] is None
        and tracked.sends < MOST_SENDS
        and view.at >= tracked.changed_at + RESEND_AFTER * tracked.sends
        and not _void_why(view, tracked.order.row, line)
        and _is_ready(view, tracked.order)
    )


def _outside_before_open(view: View, line: Line) -> str:
    """Return why an order that rests at the broker is void before the open: its price moved."""
    return outside_band(line, view.facts) if view.at < view.execution.opens_at else ""


def _canceled(view: View, tracked: Tracked, why: str) -> Iterator[Cancel]:
    if _needs_cancel(tracked, view.stated):
        yield Cancel(tracked.order.order_id, why)


def _needs_cancel(tracked: Tracked, stated: Mapping[str, BrokerOrder | None]) -> bool:
    """Return whether to ask for a cancellation: again as long as the broker states that the order is simply open."""
    found = stated.get(tracked.order.order_id)
    is_asked_in_vain = tracked.state is State.CANCELING and found is not None and found.status is Status.OPEN
    return tracked.state is State.WORKING or is_asked_in_vain


def _strays(view: View) -> Iterator[Action]:
    """Cancel what the broker has open although it should not be."""
    ended = {
        tracked.order.order_id
        for tracked in view.orders
        if tracked.state.is_final and tracked.state is not State.FILLED
    }
    for order in view.facts.open_orders:
        if order.order_id in ended and order.status is Status.OPEN:
            yield Cancel(order.order_id, "the order has ended here, and is open at the broker")


def _changed(view: View) -> Iterator[Action]:
    """Cancel what the broker has open of a name that splits or changes its symbol, whatever may be sent now."""
    for tracked in view.orders:
        reduction = view.reductions.get(tracked.order.row)
        if reduction is not None and reduction.cancels:
            yield from _canceled(view, tracked, reduction.why)


# The end


def _after_close(view: View) -> Iterator[Action]:
    why = "the session has ended"
    latest = latest_parts(view)
    for row, line in enumerate(view.execution.lines):
        tracked = latest.get(row)
        if tracked is None or tracked.state is State.INTENDED:
            yield _dropped(view, row, line, tracked, why)
        elif tracked.state in AT_BROKER:
            yield from _canceled(view, tracked, why)


def _pause(view: View) -> Wait | Finish:
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
    if at >= execution.ends_at:
        absent_at = execution.ends_at + ABSENT_AFTER
        is_early = at < absent_at and all(one.state is State.UNKNOWN for one in sent)
        return Wait(absent_at if is_early else at + _poll(view), _open_text(sent))
    if view.admission.admits == "nothing":
        return Wait(at + _poll(view), _why(view))
    return Wait(_next_instant(view, waiting, sent), _open_text(sent) or _held_text(view, waiting))


def _next_instant(view: View, waiting: list[Tracked], sent: list[Tracked]) -> datetime:
    """Return when something can have changed: the next window, the open, the deadline, or the next look-up."""
    execution, at = view.execution, view.at
    instants = [execution.opens_at, deadline_of(view), execution.closes_at, execution.ends_at]
    instants += [max(view.takes(one.order, at), at) for one in waiting]
    rests = view.rules.fills_from_bars or at < execution.opens_at
    is_busy = not rests or any(one.state is not State.WORKING for one in sent)
    if is_busy or any(_is_ready(view, one.order) for one in waiting):
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


def _why(view: View) -> str:
    return view.admission.why or view.admission.gate


def _open_text(sent: list[Tracked]) -> str:
    states = sorted({str(tracked.state) for tracked in sent})
    return f"{len(sent)} open at the broker ({', '.join(states)})" if sent else ""


def _held_text(view: View, waiting: list[Tracked]) -> str:
    if view.admission.admits == "reductions":
        return f"{len(waiting)} held back: {_why(view)}"
    return f"{len(waiting)} waiting for their window, the open or a price"


def _summary(view: View) -> str:
    """Count the orders by state, without those that were never sent because another part replaced them."""
    last = latest_parts(view)
    orders = [one for one in view.orders if one.sends > 0 or one is last[one.order.row]]
    counts = {state: sum(tracked.state is state for tracked in orders) for state in State if state.is_final}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "there were no trades"
