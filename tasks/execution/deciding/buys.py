"""Decide the next actions for the buys, sized to the available cash. Pure."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from tasks.approval.schema import Line
from tasks.execution.deciding.actions import Action, Intend, Resize, Send, View, Void
from tasks.execution.deciding.cancellations import cancel_of, outside_before_open
from tasks.execution.deciding.parts import rows_of, void_why
from tasks.execution.deciding.reductions import reduced
from tasks.execution.deciding.shape import differs, dropped, fills_at_quote, is_ready, may_resend, order_now
from tasks.execution.deciding.sizing import (
    approved_shares,
    approved_usd,
    cash_at_quotes,
    fits_in,
    least_shares,
    shares_in_amount,
    size_buys,
    spendable_cents,
)
from tasks.execution.schema import AT_BROKER, State, Tracked

CONFIRMATION = timedelta(minutes=2)  # for canceled sales, and for proceeds to show in the account
LAST_DOUBT = timedelta(minutes=10)  # before the end: then buys shrink to the cash that is certainly there


def buy_actions(view: View, latest: Mapping[int, Tracked]) -> Iterator[Action]:
    """Yield what to do about the buys: void, intend, size, send, cancel."""
    lines = rows_of(view, "BUY")
    for row, tracked in latest.items():
        if row in lines and tracked.state is State.CANCELING:
            yield from cancel_of(view, tracked, tracked.reason)
        elif row in lines and (why := outside_before_open(view, lines[row])):
            yield from cancel_of(view, tracked, why)
    unsent = {
        row: line for row, line in lines.items() if row not in latest or latest[row].state is State.INTENDED
    }
    void = {row: why for row, line in unsent.items() if (why := void_why(view, row, line))}
    for row, why in void.items():
        yield dropped(view, row, lines[row], latest.get(row), why)
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
    wanted = order_now(view, row, line, shares or approved_shares(line), tracked)
    if tracked is None:
        yield Intend(wanted, _with_override(view, row, _bound_why(view, line, wanted.shares)))
    elif (
        shares is not None
        and is_ready(view, tracked.order)
        and _is_cash_there(view, shrinks=shares < tracked.order.shares)
    ):
        if shares < least_shares(line):
            why = _bound_why(view, line, shares)
            yield Void(tracked.order.order_id, _with_override(view, row, why))
        elif differs(tracked.order, wanted):
            is_same = wanted.shares == tracked.order.shares
            why = "the same shares at the current price" if is_same else _bound_why(view, line, wanted.shares)
            yield Resize(tracked.order.order_id, wanted, _with_override(view, row, why))
        else:
            yield Send(tracked.order.order_id)


def _sized(
    view: View, lines: Mapping[int, Line], latest: Mapping[int, Tracked], *, is_first: bool
) -> dict[int, int]:
    """Return the shares to buy by row. Once a buy was sent, the others keep their size while the cash suffices."""
    cash = spendable_cents(view.orders, view.filled, view.facts)
    if not all(fills_at_quote(view, line) for line in lines.values()):
        cash = cash_at_quotes(cash, view.rules.collar_frac)
    quotes = view.facts.quotes
    prices = {row: quotes[line.symbol].price for row, line in lines.items() if line.symbol in quotes}
    kept = {row: latest[row].order.shares for row in prices if row in latest}
    if not is_first and len(kept) == len(prices) and kept and fits_in(kept, lines, prices, cash, view.costs):
        return kept
    return size_buys(lines, prices, cash, view.costs)


def _is_cash_there(view: View, *, shrinks: bool) -> bool:
    """Return whether account and ledger agree, or have had the time to.

    With less cash than is booked, the account does not show a sale yet, or a buy was filled that is not booked yet: its
    cost would be subtracted twice. As long as one may be open, no other buy shrinks for that: look-ups may be behind.
    """
    if view.facts.account.cash_cents >= view.facts.ledger_cash_cents:
        return True
    is_buying = any(one.state in AT_BROKER and not one.order.is_sale for one in view.orders)
    if shrinks and is_buying and view.at < view.execution.ends_at - LAST_DOUBT:
        return False
    moved = [one.changed_at for one in view.orders if one.sends]
    return not moved or view.at >= max(moved) + CONFIRMATION


def _is_affordable(view: View, line: Line, tracked: Tracked) -> bool:
    """Return whether a buy without an answer may be sent again; its own cost is claimed already."""
    return may_resend(view, line, tracked) and spendable_cents(view.orders, view.filled, view.facts) >= 0


def _bound_why(view: View, line: Line, shares: int) -> str:
    """Return which bound a buy has reached: the approved shares, their amount at the current price, or the cash."""
    quote = view.facts.quotes.get(line.symbol)
    if quote is None or shares == approved_shares(line):
        return "approved"
    amount, price = approved_usd(line), quote.price
    by = f"approved amount of ${amount:,.2f}" if shares == shares_in_amount(line, price) else "cash"
    return f"the {by} pays for {shares:,} of {approved_shares(line):,} shares at ${price:,.{2 if price >= 1 else 4}f}"


def _with_override(view: View, row: int, why: str) -> str:
    """Return why an order has its size, with the override that reduced it."""
    reduction = view.reductions.get(row)
    return why if reduction is None else f"{reduction.why}; {why}"
