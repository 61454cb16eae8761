import json

import pytest

from tasks.reporting.day.executed import executed_day
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
