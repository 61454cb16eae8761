"""Each limit of the guard fires by itself; nothing that it cannot compute passes."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import Quote
from tasks.execution.wire_guard import LIMITS, GuardRefusedError, Wire, guard
from tests.execution_facts import (
    MILLION,
    NOW,
    make_account,
    make_order,
    make_positions,
    make_quotes,
    make_wire,
    open_order,
)

LIVE = {"account_mode": "live", "account_account": "123"}

PLANTED = [
    ("form", make_wire(make_order(order_id="a b"))),
    ("form", make_wire(make_order(order_id="a" * 49))),
    ("form", make_wire(make_order(order_id="a\n"))),
    ("form", make_wire(make_order(symbol="../C"))),
    ("form", make_wire(make_order(symbol="CASH"))),
    ("form", make_wire(make_order("SELL_SHORT"))),
    ("form", make_wire(make_order(timing="night"))),
    ("form", make_wire(make_order(timing="limit"))),
    ("form", make_wire(make_order(limit_price=Decimal(50)))),
    ("form", make_wire(make_order(shares=10.0))),
    ("form", make_wire(make_order(shares=True))),
    ("shares", make_wire(make_order(shares=0))),
    ("shares", make_wire(make_order(shares=-1))),
    ("shares", make_wire(make_order(shares=1_000_001))),
    ("price", make_wire(quotes={})),
    ("price", make_wire(quotes=make_quotes(Decimal(0)))),
    ("price", make_wire(quotes=make_quotes(Decimal(1_000_001)))),
    ("price", make_wire(make_order(timing="limit", limit_price=Decimal(0)))),
    ("limit_distance", make_wire(make_order(timing="limit", limit_price=Decimal("55.01")))),
    ("limit_distance", make_wire(make_order("SELL", timing="limit", limit_price=Decimal("44.99")))),
    ("mode", make_wire(**LIVE)),
    ("mode", make_wire(**LIVE, allows_live=True)),
    ("mode", make_wire(account_mode="demo", allows_live=True)),
    ("account", make_wire(account_is_blocked=True)),
    ("account", make_wire(account_only_closing=True)),
    ("sale", make_wire(make_order("SELL", shares=201), ledger_shares=Decimal(300))),
    ("sale", make_wire(make_order("SELL"), ledger_shares=Decimal(199))),
    ("sale", make_wire(make_order("SELL", symbol="D", shares=1))),
    ("sale", make_wire(make_order("SELL"), open_orders=(open_order("SELL", "A", 1),))),
    ("sale", make_wire(make_order("SELL"), unconfirmed=(make_order("SELL", shares=1, order_id="other"),))),
    ("sale", make_wire(make_order("SELL", shares=1), positions=make_positions(A=-5))),
    (
        "order_notional",
        make_wire(
            make_order("SELL", shares=25_001),
            quotes=make_quotes(Decimal(1000)),
            positions=make_positions(A=25_001),
            ledger_shares=Decimal(25_001),
        ),
    ),
    ("buy_of_equity", make_wire(make_order(shares=7_001))),
    ("buys_of_equity", make_wire(buys_today_cents=MILLION - 9_999_99)),
    ("cash", make_wire(account_cash_cents=9_999_99)),
    ("cash", make_wire(ledger_cash_cents=9_999_99)),
    ("cash", make_wire(account_cash_cents=19_999_99, open_orders=(open_order("BUY", "D", 200),))),
    (
        "cash",
        make_wire(account_cash_cents=19_999_99, unconfirmed=(make_order(symbol="D", order_id="other"),)),
    ),
    ("orders", make_wire(orders_today=501)),
    ("id", make_wire(sends=2, has_unique_ids=False)),
    ("id", make_wire(sends=6)),
]


@pytest.mark.parametrize(
    ("limit", "wire"), PLANTED, ids=[f"{limit}-{i}" for i, (limit, _) in enumerate(PLANTED)]
)
def test_each_limit_refuses(limit, wire):
    with pytest.raises(GuardRefusedError) as refused:
        guard(wire, {})

    assert refused.value.limit == limit
    assert refused.value.exit_code == 3


def test_every_limit_is_planted():
    assert {limit for limit, _ in PLANTED} == set(LIMITS)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_the_clean_order_may_leave(side):
    guard(make_wire(make_order(side)), {})


def test_an_order_may_reach_its_limits():
    guard(
        make_wire(
            make_order(shares=7_000, timing="limit", limit_price=Decimal(45)), orders_today=500, sends=5
        ),
        {},
    )
    guard(
        make_wire(make_order("SELL", timing="limit", limit_price=Decimal(55)), account_only_closing=True), {}
    )


def test_the_absolute_limits_may_be_reached():
    large = {"positions": make_positions(A=1_000_000), "ledger_shares": Decimal(1_000_000)}

    guard(make_wire(make_order("SELL", shares=1_000_000), quotes=make_quotes(Decimal(25)), **large), {})
    for price in (Decimal("0.01"), Decimal(1_000_000)):
        order = make_order("SELL", shares=1, timing="limit", limit_price=price)
        guard(make_wire(order, quotes=make_quotes(price)), {})


def test_the_buys_of_a_session_may_reach_the_equity_and_the_cash():
    guard(make_wire(buys_today_cents=MILLION - 10_000_00, account_cash_cents=10_000_00), {})


@pytest.mark.parametrize(("limit", "cost_cents"), [("49", 10_000_00), ("51", 10_200_00)])
def test_a_buy_is_valued_at_the_higher_of_quote_and_limit(limit, cost_cents):
    order = make_order(timing="limit", limit_price=Decimal(limit))

    guard(make_wire(order, account_cash_cents=cost_cents), {})
    with pytest.raises(GuardRefusedError):
        guard(make_wire(order, account_cash_cents=cost_cents - 1), {})


def test_an_id_is_sent_once_where_the_broker_does_not_refuse_a_second():
    guard(make_wire(sends=1, has_unique_ids=False), {})


def test_live_trading_needs_the_setting_and_the_very_account_in_the_environment():
    live = make_wire(**LIVE, allows_live=True)

    guard(live, {"AFTERCLOSE_LIVE_ACCOUNT": "123"})
    for wire, environ in (
        (live, {"AFTERCLOSE_LIVE_ACCOUNT": "124"}),
        (live, {"AFTERCLOSE_LIVE_ACCOUNT": ""}),
        (replace(live, account=make_account(mode="live", account="")), {"AFTERCLOSE_LIVE_ACCOUNT": ""}),
        (replace(live, allows_live=False), {"AFTERCLOSE_LIVE_ACCOUNT": "123"}),
    ):
        with pytest.raises(GuardRefusedError, match="is a live account"):
            guard(wire, environ)


def test_an_open_order_that_is_named_twice_counts_once():
    """A listing may overlap, and the broker may list an order of ours that is not confirmed here yet."""
    half, theirs = make_order("SELL", shares=100), open_order("SELL", "A", 100, "x")
    same = make_order("SELL", shares=100, order_id="x")

    guard(make_wire(half, open_orders=(theirs, theirs)), {})
    guard(make_wire(half, open_orders=(theirs,), unconfirmed=(same, same)), {})
    guard(make_wire(half, unconfirmed=(same, same)), {})
    for wire in (
        make_wire(half, open_orders=(theirs,), unconfirmed=(replace(same, order_id="y"),)),
        make_wire(half, unconfirmed=(same, replace(same, order_id="y"))),
    ):
        with pytest.raises(GuardRefusedError):
            guard(wire, {})


def test_an_order_sent_again_does_not_count_against_itself():
    again = make_order("SELL")
    wire = make_wire(again, open_orders=(open_order("SELL", "A", 200, again.order_id),), sends=2)

    guard(wire, {})


@pytest.mark.parametrize("field", [field.name for field in fields(Wire)])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_what_is_missing_is_refused(field, side):
    not_read = {"SELL": {"buys_today_cents", "ledger_cash_cents"}, "BUY": {"positions", "ledger_shares"}}[
        side
    ]
    if field in {"has_unique_ids", "allows_live"} | not_read:
        return  # None means no

    with pytest.raises(GuardRefusedError):
        guard(replace(make_wire(make_order(side)), **{field: None}), {})


def test_a_quote_that_is_not_a_number_is_refused():
    with pytest.raises(GuardRefusedError):
        guard(make_wire(quotes={"C": Quote("C", Decimal("NaN"), NOW)}), {})
