from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.brokers.base import BrokerAccount, BrokerOrder, BrokerPosition, Quote, Status
from tasks.execution.checks import Facts
from tasks.execution.deciding.sizing import (
    cash_at_quotes,
    fits_in,
    least_shares,
    limit_price,
    outside_band,
    sellable_shares,
    size_buys,
    spendable_cents,
)
from tasks.execution.schema import State, Tracked
from tests.execution_days import OPENS, make_line, no_costs
from tests.orders import make_order

ACCOUNT = BrokerAccount(
    "A1", "paper", 1_000_00, 1_000_00, 5_000_00, only_closing=False, is_blocked=False, is_preliminary=False
)


def make_facts(*, held=None, prices=None, open_orders=(), cash=1_000_00, ledger=1_000_00):
    prices = {"AAA": "10", "CCC": "50"} if prices is None else prices
    return Facts(
        at=OPENS,
        account=replace(ACCOUNT, cash_cents=cash),
        positions={name: BrokerPosition(name, Decimal(shares)) for name, shares in (held or {}).items()},
        open_orders=tuple(open_orders),
        quotes={name: Quote(name, Decimal(price), OPENS) for name, price in prices.items()},
        assets={},
        ledger_cash_cents=ledger,
    )


def theirs(symbol, side, shares, filled=0, order_id="theirs"):
    return BrokerOrder(order_id, symbol, side, Decimal(shares), Status.OPEN, Decimal(filled), 0, 0, OPENS)


def fee_of_a_dollar(symbols, shares, price_cents, *, is_sale):
    return np.where(shares > 0, 100, 0)


@pytest.mark.parametrize(
    ("cash", "collar", "usable"), [(1020, "0.02", 1000), (1000, "0", 1000), (-5, "0.02", 0)]
)
def test_cash_is_kept_for_prices_that_rise_by_the_collar_until_the_fill(cash, collar, usable):
    assert cash_at_quotes(cash, Decimal(collar)) == usable


@pytest.mark.parametrize(("price", "is_void"), [("9", False), ("8.99", True), ("11", False), ("11.01", True)])
def test_the_band_includes_its_ends(price, is_void):
    facts = make_facts(prices={"AAA": price})

    assert bool(outside_band(make_line("AAA", "BUY", 10), facts)) is is_void


def test_a_line_without_a_price_is_not_void():
    assert outside_band(make_line("BBB", "BUY", 10), make_facts()) == ""


@pytest.mark.parametrize(
    ("held", "expected"), [({"AAA": "30.7"}, 30), ({"AAA": 500}, 100), ({}, 0), ({"AAA": -5}, 0)]
)
def test_fault_036_never_more_is_sold_than_held_or_approved(held, expected):
    assert sellable_shares(make_line("AAA", "SELL", 100), make_facts(held=held), ()) == expected


def test_fault_130_what_somebody_else_offers_is_not_sold_again():
    facts = make_facts(
        held={"AAA": 100},
        open_orders=[
            theirs("AAA", "SELL", 60, filled=20),
            theirs("CCC", "SELL", 50),
            theirs("AAA", "SELL", 7, order_id="ours"),
        ],
    )

    assert sellable_shares(make_line("AAA", "SELL", 100), facts, {"ours"}) == 60


def test_the_fewest_shares_are_at_least_one():
    assert (
        least_shares(make_line("AAA", "BUY", 10)),
        least_shares(make_line("AAA", "BUY", 10, least=7)),
    ) == (1, 7)


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        ("BUY", "10", "10.20"),
        ("SELL", "10", "9.80"),
        ("BUY", "10.333", "10.53"),  # 10.53966 down
        ("SELL", "10.333", "10.13"),  # 10.12634 up
        ("BUY", "10.95", "11.00"),  # the band ends there
        ("SELL", "9.05", "9.00"),
    ],
)
def test_fault_038_a_limit_is_a_whole_cent_within_collar_and_band(side, price, expected):
    assert limit_price(make_line("AAA", side, 10), Decimal(price), Decimal("0.02")) == Decimal(expected)


def test_below_a_dollar_a_limit_has_four_decimals():
    line = make_line("AAA", "BUY", 10, price="0.5")

    assert limit_price(line, Decimal("0.5"), Decimal("0.0203")) == Decimal("0.5101")


def test_buys_are_scaled_together_to_the_cash_after_costs():
    lines = {2: make_line("AAA", "BUY", 100), 5: make_line("CCC", "BUY", 20)}
    prices = {2: Decimal(10), 5: Decimal(50)}

    assert size_buys(lines, prices, 1_002_00, fee_of_a_dollar) == {2: 50, 5: 10}
    assert size_buys(lines, prices, 10_000_00, fee_of_a_dollar) == {2: 100, 5: 20}
    assert size_buys(lines, prices, -1, fee_of_a_dollar) == {2: 0, 5: 0}
    assert size_buys(lines, {2: Decimal(10)}, 10_000_00, no_costs) == {2: 100}


def test_at_a_higher_price_a_buy_keeps_the_approved_amount_of_money():
    assert size_buys({0: make_line("AAA", "BUY", 100)}, {0: Decimal("10.01")}, 10_000_00, no_costs) == {0: 99}
    fine = make_line(
        "AAA", "BUY", 1, price="10.005"
    )  # approved: 10.005 USD, so a share for 10.01 is too much
    assert size_buys({0: fine}, {0: Decimal("10.01")}, 10_000_00, no_costs) == {0: 0}


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=5),
    st.lists(st.integers(1, 10_000), min_size=5, max_size=5),
    st.integers(-100, 10_000_000),
)
def test_fault_040_what_is_sized_always_fits(shares, cents, cash):
    names = ["AAA", "BBB", "CCC", "DDD", "EEE"]
    lines = {
        row: make_line(name, "BUY", count, price=Decimal(price) / 100)
        for row, (name, count, price) in enumerate(zip(names, shares, cents, strict=False))
    }
    prices = {row: Decimal(line.price) * Decimal("1.03") for row, line in lines.items()}

    sized = size_buys(lines, prices, cash, fee_of_a_dollar)

    assert all(sized[row] <= int(line.shares) for row, line in lines.items())
    if any(sized.values()):
        assert fits_in(sized, lines, prices, cash, fee_of_a_dollar)


def test_buys_fit_only_with_their_fees():
    lines, prices = {0: make_line("CCC", "BUY", 30)}, {0: Decimal(50)}

    assert fits_in({0: 20}, lines, prices, 1_001_00, fee_of_a_dollar)
    assert not fits_in({0: 20}, lines, prices, 1_000_99, fee_of_a_dollar)
    assert not fits_in({0: 31}, lines, {0: Decimal(40)}, 9_000_00, fee_of_a_dollar)  # more than was approved
    assert not fits_in({0: 30}, lines, {0: Decimal("50.01")}, 9_000_00, fee_of_a_dollar)  # for more money


def test_the_cash_to_spend_is_the_lower_of_two_books():
    assert spendable_cents((), {}, make_facts(cash=700, ledger=900)) == 700
    assert spendable_cents((), {}, make_facts(cash=900, ledger=700)) == 700


@pytest.mark.parametrize("state", [State.UNKNOWN, State.WORKING, State.CANCELING])
def test_every_open_buy_claims_its_cost(state):
    buy = make_order(row=1, symbol="CCC", side="BUY", shares=10)
    tracked = (
        Tracked(buy, state, 1, "", OPENS),
        Tracked(make_order(row=2, symbol="CCC", side="BUY", shares=99), State.INTENDED, 0, "", OPENS),
        Tracked(make_order(row=0), State.WORKING, 1, "", OPENS),
    )
    facts = make_facts(open_orders=[theirs("AAA", "BUY", 5), theirs("CCC", "BUY", 10, order_id=buy.order_id)])

    assert spendable_cents(tracked, {buy.order_id: Decimal(4)}, facts) == 1_000_00 - 6 * 50_00 - 5 * 10_00


@pytest.mark.parametrize(("limit", "price"), [("60", 60), ("40", 50)])
def test_an_open_buy_with_a_limit_claims_the_higher_of_limit_and_price(limit, price):
    buy = make_order(row=1, symbol="CCC", side="BUY", shares=10, timing="limit", limit_price=limit)
    tracked = Tracked(buy, State.WORKING, 1, "", OPENS)

    assert spendable_cents((tracked,), {}, make_facts()) == 1_000_00 - 10 * price * 100
    assert spendable_cents((tracked,), {}, make_facts(prices={})) == 1_000_00 - 10 * int(limit) * 100


def test_a_claim_that_nobody_can_price_takes_everything():
    assert spendable_cents((), {}, make_facts(open_orders=[theirs("ZZZ", "BUY", 1)])) == 0
