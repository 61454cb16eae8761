from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.operations.trading.execution import _rehearsed_row, _row, _state
from tasks.execution.desk import Outcome
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
