import json

import pytest

from tasks.reporting.day.executed import AFTER_SALES, RESIZED, executed_day, lines_of
from tests.unit.reporting.example_day import make_executed, make_execution

THURSDAY = make_executed().session


def test_costs_are_the_fees_and_what_the_prices_moved_since_the_decision():
    day = make_executed()

    assert day.fee_cents == 190
    assert day.slippage_cents == 2_000 + 600  # sold 0.20 lower, bought 0.15 higher
    assert day.traded_cents == 1_028_000 + 736_600


def test_a_bridge_is_closed_when_its_steps_sum_to_the_equity_and_nothing_is_unexplained():
    assert make_executed().is_closed


@pytest.mark.parametrize(
    "bridge",
    [
        [],
        [
            {"step": "target", "cause": "equity", "usd": "10.00"},
            {"step": "broker", "cause": "unexplained", "usd": "0.01"},
            {"step": "broker", "cause": "equity of record", "usd": "10.01"},
        ],
        [
            {"step": "target", "cause": "equity", "usd": "10.00"},
            {"step": "broker", "cause": "unexplained", "usd": "0.00"},
            {"step": "broker", "cause": "equity of record", "usd": "10.01"},
        ],
    ],
)
def test_a_bridge_that_is_missing_unexplained_or_does_not_add_up_is_not_closed(bridge):
    assert not make_executed(bridge=bridge).is_closed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps(make_execution() | {"session": "2024-06-12"}).encode(),
        json.dumps(make_execution() | {"bridge": [{"step": "x", "cause": "y", "usd": "much"}]}).encode(),
    ],
)
def test_an_unreadable_execution_has_a_problem_and_no_figures(content):
    day = executed_day(THURSDAY, content, estimated_cents=None)

    assert "The execution of 2024-06-13 cannot be read" in day.problem
    assert day.lines == day.bridge == ()
    assert not day.is_closed


def unsent(state, **changes):
    """Return state and reason of a buy without an order, beside a sale whose order is in the state."""
    figures = {"filled_shares": "0", "filled_usd": "0", "fees_usd": "0"}
    order = {"row": 0, "order_id": "a", "state": state, "reason": ""} | figures
    made = make_execution(orders=[order] if state else [], outcome="waiting", why="2 open at the broker")
    (_, buy) = lines_of(made | changes)
    return buy.state, buy.reason


@pytest.mark.parametrize("state", ["", "intended", "unknown", "working", "canceling"])
def test_a_buy_waits_for_the_sales(state):
    assert unsent(state) == ("waiting", AFTER_SALES)


@pytest.mark.parametrize("state", ["filled", "expired", "void"])
def test_once_the_sales_have_ended_a_buy_waits_for_what_the_execution_waits_for(state):
    assert unsent(state) == ("waiting", "2 open at the broker")


@pytest.mark.parametrize("outcome", ["halted", "blocked", "stopped", "ended"])
def test_a_line_that_nothing_waits_for_has_no_order_for_the_reason_of_the_execution(outcome):
    assert unsent("working", outcome=outcome, why="the switch is on") == ("no order", "the switch is on")


def bought(*orders, events=()):
    """Return the reason of a buy of 50 approved shares with these orders: id, shares, filled."""
    made = [
        {
            "row": 1,
            "order_id": name,
            "shares": shares,
            "filled_shares": filled,
            "filled_usd": "1",
            "fees_usd": "0",
        }
        | {"state": "filled", "reason": "the broker states that it is filled"}
        for name, shares, filled in orders
    ]
    decided = [{"event": event, "order_id": name, "reason": reason} for event, name, reason in events]
    (_, buy) = lines_of(make_execution(orders=made, events=decided))
    return buy.reason


def test_a_filled_line_of_fewer_shares_has_the_reason_that_was_stored_when_its_size_was_decided():
    events = [
        ("intended", "a", "approved"),
        ("intended", "b", "the cash pays for 48"),
        ("intended", "c", "the same shares at the current price"),
        ("filled", "c", "the broker states that it is filled"),
    ]

    assert bought(("a", 50, "0"), ("b", 48, "0"), ("c", 48, "48"), events=events) == "the cash pays for 48"


def test_a_filled_line_without_a_stored_reason_is_described_by_both_bounds():
    both = "as many as the approved amount and the cash allowed at the current price"

    assert bought(("a", 48, "48")) == RESIZED == both


def test_a_line_that_was_filled_in_full_needs_no_reason():
    assert not bought(("a", 50, "50"))
