"""An execution in a week of another clock, and on a half-day: its times are those of the exchange."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.approval.task import verify_approval
from tasks.core.sessions import session_on
from tasks.core.text import instant_text
from tasks.execution.deciding.actions import Cancel, Finish, Send
from tasks.execution.deciding.next_actions import next_actions
from tasks.execution.deciding.parts import deadline_of
from tasks.execution.execution import Stage
from tasks.execution.schema import State
from tasks.execution.start import new_execution
from tests.approval_days import add_person, make_home, sign_day
from tests.execution_days import RULES
from tests.unit.execution.deciding.test_execution_next_actions import make_view, tracked


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2024, 3, 8), utc(2024, 3, 11, 13, 30), utc(2024, 3, 11, 20)),  # the clocks went forward
        (date(2024, 11, 1), utc(2024, 11, 4, 14, 30), utc(2024, 11, 4, 21)),  # and back
        (date(2024, 11, 27), utc(2024, 11, 29, 14, 30), utc(2024, 11, 29, 18)),  # a holiday, then a half-day
    ],
)
def test_an_approval_is_executed_at_the_next_open_of_the_exchange_until_its_close(
    tmp_path, day, opens, closes
):
    session = session_on(day)
    run = make_home(tmp_path, day)
    evening = session.closes_at + timedelta(hours=2)
    person = add_person(run)
    sign_day(run, person, at=evening)

    before_open = opens - timedelta(seconds=1)
    execution = new_execution(verify_approval(run, before_open), before_open)

    assert (execution.opens_at, execution.expires_at) == (opens, opens)
    assert (execution.closes_at, execution.ends_at) == (closes, closes)
    assert instant_text(execution.expires_at) == instant_text(opens)


HALF_DAY = {"closes_at": utc(2024, 6, 17, 17), "ends_at": utc(2024, 6, 17, 17)}


def on_half_day(*orders, at, minutes=60):
    rules = replace(RULES, deadline=timedelta(minutes=minutes))
    return make_view(*orders, at=at, rules=rules, execution=HALF_DAY)


def test_on_a_half_day_sales_are_waited_for_no_longer_than_to_its_close():
    view = on_half_day(at=utc(2024, 6, 17, 14), minutes=390)

    assert deadline_of(view) == HALF_DAY["closes_at"]


def test_on_a_half_day_nothing_is_sent_in_the_last_minute_and_the_rest_is_canceled_at_its_close():
    sold = (tracked(0, State.FILLED), tracked(1, State.FILLED))
    buys = (tracked(2, State.INTENDED, shares=15), tracked(3, State.INTENDED, shares=10))
    in_time = next_actions(on_half_day(*sold, *buys, at=utc(2024, 6, 17, 16, 58, 30)))
    too_late = next_actions(on_half_day(*sold, *buys, at=utc(2024, 6, 17, 16, 59, 30)))

    assert [type(action) for action in in_time] == [Send, Send]
    assert not any(isinstance(action, Send) for action in too_late)

    resting = (tracked(2, State.WORKING), tracked(3, State.FILLED))
    at_close = next_actions(on_half_day(*sold, *resting, at=HALF_DAY["closes_at"]))
    assert isinstance(at_close[0], Cancel)
    done = on_half_day(*sold, tracked(2, State.FILLED), tracked(3, State.FILLED), at=HALF_DAY["closes_at"])
    assert next_actions(done)[-1] == Finish(Stage.FINISHED, "4 filled")
