from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.operations.trading.execution import _rehearsed_row, _row, _state, _waiting_rows
from tasks.execution.desk import Outcome
from tasks.reporting.day.executed import AFTER_SALES
from tests.builders import make_run

ORDER = {
    "side": "SELL",
    "symbol": "AAA",
    "shares": 1_200,
    "filled_shares": "1200",
    "average_price": "10.00",
    "state": "filled",
    "reason": "would be sent now",
}


def test_an_order_that_a_dry_run_assumes_filled_is_shown_as_passing_its_checks():
    shown = _rehearsed_row(ORDER)

    assert shown == ("SELL", "AAA", "1,200", "10.00", "passes", "would be sent now")


def test_an_order_that_does_not_pass_in_a_dry_run_is_shown_with_its_state():
    held_back = ORDER | {"state": "void", "average_price": None, "reason": "left its band"}

    assert _rehearsed_row(held_back)[3:] == ("", "void", "left its band")


def test_an_order_that_was_filled_is_shown_with_its_price():
    filled = ORDER | {"reason": "the broker states that it is filled"}

    assert _row(filled)[3:6] == ("1200", "10.00", "filled")


@pytest.mark.parametrize(
    ("broker", "start"),
    [
        ("paper", "Waiting for the bars of 2024-06-17: 2 waiting. Run the command again after its close."),
        ("alpaca", "Waiting until Mon 2024-06-17 09:30 New York time: 2 waiting."),
    ],
)
def test_it_states_when_running_it_again_can_change_something(tmp_path, broker, start):
    run = make_run(tmp_path)
    execution = run.settings.execution.model_copy(update={"broker": broker})
    run = replace(run, settings=run.settings.model_copy(update={"execution": execution}))

    text = _state(run, Outcome.WAITING, "2 waiting", datetime(2024, 6, 17, 13, 30, tzinfo=UTC))

    assert text.startswith(start)


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
