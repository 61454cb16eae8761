"""No order that the gates or the guard pass oversells, overspends or exceeds the approved size, in any account.

The guard alone keeps the first two, whatever the gates do; the approved size is known to the gates alone.
"""

from dataclasses import replace
from decimal import Decimal

from hypothesis import event, given
from hypothesis import strategies as st

from tasks.execution.brokers.base import BrokerOrder, BrokerPosition, Quote, Status
from tasks.execution.gates.table import check_order, failed
from tasks.execution.schema import AT_BROKER, Order, State
from tasks.execution.wire_guard import GuardRefusedError, guard
from tests.builders import make_settings
from tests.execution_facts import (
    FRIDAY,
    MILLION,
    NOW,
    SYMBOLS,
    make_account,
    make_facts,
    make_line,
    make_terms,
    make_wire,
    placed,
)

SETTINGS = make_settings()
SIDES = st.sampled_from(["BUY", "SELL"])
SHARES = st.integers(0, 400)
CASH = st.integers(-1_000_00, 30_000_00)


@st.composite
def orders(draw, row=None, order_id=None):
    timing = draw(st.sampled_from(["market", "limit"]))
    limit = draw(st.decimals(45, 55, places=2)) if timing == "limit" else None
    row = draw(st.integers(0, 1)) if row is None else row
    side, symbol = [("SELL", "A"), ("BUY", "C")][row]
    part = draw(st.integers(0, 3))
    return Order(
        order_id or f"ours-{row}-{part}", FRIDAY, row, part, symbol, side, draw(SHARES), timing, limit
    )


@st.composite
def open_orders(draw):
    by_hand = draw(st.lists(st.tuples(SIDES, st.sampled_from(["A", "C", "D"]), SHARES, SHARES), max_size=4))
    return tuple(
        BrokerOrder(
            f"hand-{i}", symbol, side, Decimal(shares), Status.OPEN, Decimal(min(filled, shares)), 0, 0, NOW
        )
        for i, (side, symbol, shares, filled) in enumerate(by_hand)
    )


@st.composite
def placed_orders(draw):
    ours = {one.order_id: one for one in draw(st.lists(orders(), max_size=4))}
    return tuple(
        placed(one, draw(st.sampled_from(list(State))), draw(st.integers(0, one.shares)))
        for one in ours.values()
    )


@st.composite
def accounts(draw):
    """Return the facts about an order, and what the guard reads of the same account."""
    order = draw(orders(order_id=draw(st.sampled_from(["this", "ours-0-0", "ours-1-0"]))))
    price = draw(st.decimals(44, 56, places=3))
    held = draw(SHARES)
    quotes = {symbol: Quote(symbol, price, NOW) for symbol in SYMBOLS}
    positions = {"A": BrokerPosition("A", Decimal(held))}
    cash = draw(CASH)
    opened, sent = draw(open_orders()), draw(placed_orders())
    terms = make_terms(make_line("SELL", "A", draw(SHARES)), make_line("BUY", "C", draw(SHARES)))
    facts = make_facts(
        SETTINGS,
        order,
        terms=terms,
        truth_quotes=quotes,
        truth_positions=positions,
        truth_open_orders=opened,
        account_cash_cents=cash,
        books_cash_cents=cash + draw(st.sampled_from([0, -500_00, 500_00])),
        books_shares={"A": Decimal(held + draw(st.sampled_from([0, -3, 3])))},
        books_placed=sent,
    )
    unconfirmed = tuple(one.order for one in sent if one.state in AT_BROKER)
    wire = make_wire(
        order,
        account=make_account(cash_cents=cash, equity_cents=MILLION),
        positions=positions,
        ledger_shares=facts.books.shares["A"] if order.is_sale else Decimal(0),
        ledger_cash_cents=facts.books.cash_cents,
        open_orders=opened,
        unconfirmed=unconfirmed,
        quotes=quotes,
    )
    return facts, wire


def others(facts, side):
    """Return symbol and open shares of every other order of that side, computed in the plainest way."""
    opened = facts.truth.open_orders
    ids = {one.order_id for one in opened} | {facts.order.order_id}
    ours = [
        (one.order.symbol, one.order.shares - one.filled_shares)
        for one in facts.books.placed
        if one.state in AT_BROKER and one.order.side == side and one.order.order_id not in ids
    ]
    return ours + [
        (one.symbol, one.shares - one.filled_shares)
        for one in opened
        if one.side == side and one.order_id != facts.order.order_id
    ]


def oversells(facts):
    order = facts.order
    selling = sum(shares for symbol, shares in others(facts, "SELL") if symbol == order.symbol)
    position = facts.truth.positions.get(order.symbol)
    held = min(position.shares if position else 0, facts.books.shares.get(order.symbol, 0))
    return order.is_sale and order.shares + selling > held


def overspends(facts):
    order = facts.order
    price = facts.truth.quotes[order.symbol].price
    buying = sum(shares for _, shares in others(facts, "BUY"))  # all at one price
    cost = order.shares * max(price, order.limit_price or price) + buying * price
    return not order.is_sale and cost * 100 > min(facts.truth.account.cash_cents, facts.books.cash_cents)


def exceeds(facts):
    order = facts.order
    rest = sum(
        one.order.shares if one.state in AT_BROKER else one.filled_shares
        for one in facts.books.placed
        if one.order.row == order.row and one.order.order_id != order.order_id
    )
    return order.shares + rest > facts.terms.lines[order.row].shares


@given(accounts())
def test_an_order_that_is_too_large_fails_the_gate_of_that_limit_whatever_else_passes(both):
    facts, _ = both
    refused = {result.name for result in failed(check_order(facts))}
    too_large = {
        "position": oversells(facts),
        "buying_power": overspends(facts),
        "approved_size": exceeds(facts),
    }
    event(", ".join(name for name, is_so in too_large.items() if is_so) or "fits")

    assert {name for name, is_so in too_large.items() if is_so} <= refused


@given(accounts())
def test_the_guard_alone_refuses_to_oversell_and_to_overspend(both):
    facts, wire = both
    try:
        guard(wire, {})
    except GuardRefusedError:
        event("refused")
        return

    event("may leave")
    assert not oversells(facts)
    assert not overspends(facts)


@given(accounts(), st.integers(1, 400))
def test_a_larger_order_never_passes_where_a_smaller_one_is_too_large(both, more):
    facts, _ = both
    larger = replace(facts, one=replace(facts.order, shares=facts.order.shares + more))
    sizes = {"approved_size", "position", "buying_power", "trade_size", "position_size", "override"}

    assert sizes & {one.name for one in failed(check_order(facts))} <= {
        one.name for one in failed(check_order(larger))
    }
