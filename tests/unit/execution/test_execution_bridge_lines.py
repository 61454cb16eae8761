"""The lines of the bridge, from what was approved, ordered and booked."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tasks.approval.schema import Line as ApprovedLine
from tasks.execution.bookings import Booked
from tasks.execution.bridge.lines import Assumed, bridge_lines
from tasks.execution.bridge.steps import bridge, by_cause, target_cents
from tasks.execution.schema import State, Tracked
from tests.orders import make_order

AT = datetime(2024, 6, 17, 14, tzinfo=UTC)
CLOSES = {"AAPL": Decimal(52), "MSFT": Decimal(90)}


def approved_line(symbol="AAPL", side="BUY", shares="100"):
    price = {"price": "50", "lowest_price": "48", "highest_price": "52", "least_shares": "1"}
    return ApprovedLine(symbol=symbol, side=side, shares=shares, **price)


def tracked(state=State.FILLED, *, sends=1, reason="", **order):
    return Tracked(make_order(**{"side": "BUY", **order}), state, sends, reason, AT)


def one(orders, booked, *, approved=True, assumed=None, sent=None, side="BUY"):
    line = approved_line(side=side)
    (made,) = bridge_lines(
        [line],
        [line] if approved else [],
        orders,
        {each.order.order_id: total for each, total in zip(orders, booked, strict=True)},
        assumed={} if assumed is None else {"AAPL": assumed},
        sent_prices={} if sent is None else {"AAPL": sent},
        closes=CLOSES,
    )
    return made


def test_a_filled_buy_is_followed_with_its_signs():
    made = one(
        [tracked()],
        [Booked(Decimal(100), 500_500, 70)],
        assumed=Assumed(Decimal(99), Decimal(50), 60),
        sent=Decimal(51),
    )

    assert (made.target, made.proposed, made.approved, made.ordered, made.filled) == (99, 100, 100, 100, 100)
    assert (made.filled_cents, made.fee_cents, made.assumed_cost_cents) == (-500_500, 70, 60)
    assert (made.assumed_price, made.sent_price, made.close) == (50, 51, 52)
    assert made.causes["price"] == "delay of the second phase"


def test_a_sale_brings_cash_and_is_not_of_the_second_phase():
    made = one([tracked(side="SELL")], [Booked(Decimal(100), 500_000)], side="SELL")

    assert (made.proposed, made.filled, made.filled_cents) == (-100, -100, 500_000)
    assert made.causes["price"] == "moved until the order was sent"


def test_a_struck_line_is_neither_approved_nor_ordered():
    made = one([], [], approved=False)

    assert (made.approved, made.ordered, made.filled) == (0, 0, 0)
    assert (made.causes["approved"], made.causes["ordered"]) == ("struck", "not ordered")


def test_an_order_that_was_never_sent_has_the_reason_of_its_gate():
    made = one([tracked(State.VOID, sends=0, reason="gate adv: too large")], [Booked()])

    assert (made.ordered, made.causes["ordered"]) == (0, "gate adv: too large")


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (State.EXPIRED, "expired"),
        (State.CANCELED, "canceled"),
        (State.REJECTED, "rejected"),
        (State.ABSENT, "never arrived at the broker"),
        (State.WORKING, "still open"),
    ],
)
def test_what_is_unfilled_has_the_end_of_its_order_as_cause(state, cause):
    made = one([tracked(state, shares=80)], [Booked(Decimal(30), 150_000)])

    assert (made.ordered, made.filled, made.causes["filled"]) == (80, 30, cause)
    assert made.causes["ordered"] == "the approved amount, the cash or an override allowed fewer shares"


@pytest.mark.parametrize(
    ("side", "shares", "cause"),
    [
        ("BUY", 98, "the approved amount pays for fewer shares at the higher price"),  # 5000 at 51: 98.04
        ("BUY", 97, "the approved amount, the cash or an override allowed fewer shares"),
        ("SELL", 98, "fewer shares could be sold"),
    ],
)
def test_why_fewer_shares_were_ordered_than_approved(side, shares, cause):
    order = tracked(shares=shares, side=side)

    made = one([order], [Booked(Decimal(shares), 1)], side=side, sent=Decimal(51))

    assert made.causes["ordered"] == cause


def test_a_second_order_for_the_rest_is_not_counted_twice():
    first, second = tracked(State.CANCELED, shares=100), tracked(shares=60, part=1)
    made = one([second, first], [Booked(Decimal(60), 300_000), Booked(Decimal(40), 200_000)])

    assert (made.ordered, made.filled, made.filled_cents) == (100, 100, -500_000)


def test_the_bridge_of_an_execution_closes_to_the_cent():
    proposed = [approved_line(side="SELL"), approved_line("MSFT", "BUY", "50")]
    orders = [tracked(side="SELL"), tracked(State.EXPIRED, row=1, symbol="MSFT", shares=40)]
    booked = {
        orders[0].order.order_id: Booked(Decimal(100), 498_000, 15),
        orders[1].order.order_id: Booked(Decimal(30), 271_000, 10),
    }
    lines = bridge_lines(
        proposed,
        proposed,
        orders,
        booked,
        assumed={
            "AAPL": Assumed(Decimal(-100), Decimal(50), 20),
            "MSFT": Assumed(Decimal(50), Decimal(90), 20),
        },
        sent_prices={"MSFT": Decimal("90.25")},
        closes=CLOSES,
    )
    before = 10_000_000
    at_broker = before - 100 * 5_200 + 30 * 9_000 + 498_000 - 271_000 - 25
    steps = bridge(
        lines, (), CLOSES, target_equity_cents=target_cents(before, lines), broker_equity_cents=at_broker
    )

    assert (steps[-2].cause, steps[-2].cents) == ("unexplained", 0)
    assert {(each.stage, each.cause): each.cents for each in by_cause(steps)} == {
        ("target", "equity of the backtest's target"): before - 100 * 200 - 40,
        ("price", "paid less current price"): -2_000 - 250,
        ("price", "delay of the second phase"): -750,
        ("costs", "fees less assumed costs"): 15,
        ("broker", "unexplained"): 0,
        ("broker", "equity of record"): at_broker,
    }
