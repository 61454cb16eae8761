from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from flows.operations.trading.execution import _rehearsed_row, _row, _state, _waiting_rows
from tasks.execution.desk import Outcome, Progress
from tasks.execution.execution import Stage
from tasks.reporting.day.executed import AFTER_SALES, lines_of
from tests.approval_days import clock_at
from tests.builders import make_run
from tests.execution_days import EVENING, OPENS, make_execution

ORDER = {
    "side": "SELL",
    "symbol": "AAA",
    "shares": 1_200,
    "filled_shares": "1200",
    "average_price": "10.00",
    "state": "filled",
    "reason": "would be sent now",
}


BARS = (
    "Waiting for the bars of 2024-06-17: 2 waiting. Run the command again after its close, "
    "Mon 2024-06-17 16:00 New York time."
)
HALTED = (
    "Halted: a reason. What was canceled is not sent again. Once the halt has ended, run the command again to continue "
    "with the rest."
)


def test_an_order_that_a_dry_run_assumes_filled_is_shown_as_passing_its_checks():
    shown = _rehearsed_row(ORDER)

    assert shown == ("SELL", "AAA", "1,200", "10.00", "passes", "would be sent now")


def test_an_order_that_does_not_pass_in_a_dry_run_is_shown_with_its_state():
    held_back = ORDER | {"state": "void", "average_price": None, "reason": "left its band"}

    assert _rehearsed_row(held_back)[3:] == ("", "void", "left its band")


def test_an_order_that_was_filled_is_shown_with_its_price():
    filled = ORDER | {"reason": "the broker states that it is filled"}

    assert _row(filled, approved_line(1_200))[2:6] == ("1,200", "1,200", "10.00", "filled")


def approved_line(shares):
    return SimpleNamespace(approved=shares, reason="")


def at_broker(run, broker):
    execution = run.settings.execution.model_copy(update={"broker": broker})
    return replace(run, settings=run.settings.model_copy(update={"execution": execution}))


def reached(why, outcome=Outcome.WAITING, *, was_stopped=False, **execution):
    return Progress(outcome, why, OPENS, make_execution(**execution), (), was_stopped)


@pytest.mark.parametrize(
    ("broker", "start"),
    [
        ("paper", BARS),
        ("alpaca", "Waiting until Mon 2024-06-17 09:30 New York time: 2 waiting."),
    ],
)
def test_it_states_when_running_it_again_can_change_something(tmp_path, broker, start):
    run = make_run(tmp_path)
    run = at_broker(run, broker)

    text = _state(run, reached("2 waiting", first_intent_at=EVENING))

    assert text.startswith(start)


@pytest.mark.parametrize("broker", ["paper", "alpaca"])
@pytest.mark.parametrize("first_intent_at", [EVENING, None])
def test_a_blocked_execution_is_not_described_as_waiting(tmp_path, broker, first_intent_at):
    why = "2024-06-14: approval.json is not the approval that is being executed."
    run = at_broker(make_run(tmp_path), broker)

    with clock_at(EVENING):
        text = _state(run, reached(why, Outcome.BLOCKED, first_intent_at=first_intent_at))

    assert text.startswith(f"Blocked: {why} Nothing more is sent, and waiting does not change this.")
    assert "restore live/2024-06-14 from a backup" in text


@pytest.mark.parametrize("broker", ["paper", "alpaca"])
@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.WAITING, "Waiting: a reason."),
        (Outcome.STOPPED, "Stopped: a reason."),
        (Outcome.HALTED, HALTED),
    ],
)
def test_without_a_stored_order_it_states_until_when_one_can_be_stored(tmp_path, broker, outcome, says):
    run = at_broker(make_run(tmp_path), broker)

    with clock_at(EVENING):
        text = _state(run, reached("a reason.", outcome))

    assert text == (
        f"{says} No order is stored yet: run `afterclose execute 2024-06-14 --no-dry-run` before Mon 2024-06-17 09:30 "
        "New York time, or the day lapses."
    )


def test_after_the_open_without_a_stored_order_it_states_that_the_approval_lapsed(tmp_path):
    with clock_at(OPENS):
        text = _state(make_run(tmp_path), reached("the run was stopped", was_stopped=True))

    assert text == (
        "Waiting: the run was stopped. No order was stored before Mon 2024-06-17 09:30 New York time, so the approval "
        "lapsed. `afterclose daily` proposes the next list."
    )


@pytest.mark.parametrize("broker", ["paper", "alpaca"])
def test_a_stopped_execution_with_stored_orders_is_continued_at_once(tmp_path, broker):
    run = at_broker(make_run(tmp_path), broker)

    text = _state(run, reached("the run was stopped", was_stopped=True, first_intent_at=EVENING))

    assert text == (
        "Waiting: the run was stopped. Run the command again now: what is not sent before Mon 2024-06-17 16:00 New "
        "York time is void."
    )


def test_an_approval_that_lapsed_names_what_proposes_the_next_list(tmp_path):
    why = "no order was stored before Mon 2024-06-17 09:30 New York time, so the approval lapsed"

    text = _state(make_run(tmp_path), reached(why, Outcome.ENDED, stage=Stage.LAPSED))

    assert text == f"Ended: {why}. `afterclose daily` proposes the next list."


def test_the_close_of_a_half_day_is_that_of_the_calendar(tmp_path):
    """The session after 2024-07-02 closes at 13:00."""
    text = _state(make_run(tmp_path, date(2024, 7, 2)), reached("2 waiting", first_intent_at=EVENING))

    assert text.endswith("Run the command again after its close, Wed 2024-07-03 13:00 New York time.")


def test_an_order_of_fewer_shares_than_approved_is_shown_alongside_them_with_the_reason():
    why = "the approved amount of $970.00 pays for 96 of 97 shares at $10.05"
    event = {"event": "intended", "order_id": "o-1", "reason": why}
    order = ORDER | {"side": "BUY", "row": 0, "order_id": "o-1", "shares": 96, "filled_shares": "96"}
    line = {"symbol": "AAA", "side": "BUY", "shares": "97", "price": "10.00"}
    figures = {"filled_usd": "964.80", "fees_usd": "0"}
    document = {
        "lines": [line],
        "orders": [order | figures],
        "outcome": "ended",
        "why": "",
        "events": [event],
    }
    [approved] = lines_of(document)

    assert _row(order, approved) == ("BUY", "AAA", "96 of 97 approved", "96", "10.00", "filled", why)
    canceled = order | {"state": "canceled", "reason": "the session has ended"}
    assert _row(canceled, approved)[2:] == (
        "96 of 97 approved", "96", "10.00", "canceled", "the session has ended",
    )  # fmt: skip


def test_a_buy_that_waits_for_the_sales_is_listed_with_the_reason():
    sale, buy = (
        {"symbol": side, "side": side, "shares": "1200", "price": "10.00"} for side in ("SELL", "BUY")
    )
    working = {
        "row": 0,
        "filled_shares": "0",
        "filled_usd": "0",
        "fees_usd": "0",
        "state": "working",
        "reason": "",
    }
    document = {
        "lines": [sale, buy],
        "orders": [working],
        "outcome": "waiting",
        "why": "1 open at the broker",
    }

    assert _waiting_rows(document) == [("BUY", "BUY", "1,200", "0", "", "waiting", AFTER_SALES)]
