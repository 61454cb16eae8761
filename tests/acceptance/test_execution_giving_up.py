"""An order that never becomes final is given up by a person: the execution ends, and later fills are still booked."""

from datetime import timedelta

import pytest

from tasks.core.errors import ConfigError, SafetyError
from tasks.execution.brokers.base import UnauthorizedError
from tasks.execution.desk import Outcome
from tasks.execution.ending.giving_up import give_up, objection_to_giving_up
from tasks.execution.execution import Stage
from tasks.execution.schema import AT_BROKER, State, Tracked
from tests.brokers.scripted import Behavior
from tests.execution_days import CLOSES, LINES, OPENS, SESSION, make_day, make_execution
from tests.orders import make_order

LATER = CLOSES + timedelta(hours=2)


class Denying:
    """A broker that does not know an order any more that it confirmed."""

    def __init__(self, broker, order_id):
        self._broker, self._order_id = broker, order_id

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def order(self, order_id):
        return None if order_id == self._order_id else self._broker.order(order_id)


class Gone:
    """A broker account that was closed."""

    has_unique_ids = True

    def __getattr__(self, name):
        raise UnauthorizedError("The account does not exist.", remedy="Ask the broker.")


def give_up_in(day, order_id, log=lambda tracked: None):
    day.start_again()  # the run that gives up takes over
    return give_up(
        day.home, SESSION, order_id, by="Ann, Ben", reason="the broker lost it", at=day.clock(), log=log
    )


def stuck(folder):
    """Return a day after its session, and the first sale, which the broker confirmed and then denies."""
    day = make_day(folder, behaviors={1: Behavior(fill_frac=0)})
    day.step()
    [order_id] = [one.order.order_id for one in day.orders() if one.order.symbol == "AAA"]
    day.steps(until=LATER, wrap=lambda broker: Denying(broker, order_id))
    return day, order_id


def test_an_order_that_the_broker_denies_for_ever_blocks_until_it_is_given_up(tmp_path):
    day, order_id = stuck(tmp_path)
    assert day.states()["AAA"] in AT_BROKER
    logged = []

    progress = give_up_in(day, order_id, log=lambda tracked: logged.append((tracked, day.states()["AAA"])))

    assert [(one.order.order_id, state) for one, state in logged] == [(order_id, "canceling")]
    assert progress.outcome is Outcome.ENDED
    assert progress.execution.stage is Stage.FINISHED
    assert day.states()["AAA"] == "given_up"
    events = [event for event in day.events() if event.event == "given_up"]
    assert [event.reason for event in events] == ["given up by Ann, Ben: the broker lost it"]
    assert day.steps(wrap=lambda broker: Denying(broker, order_id)).outcome is Outcome.ENDED


def test_it_is_not_stored_when_it_cannot_be_logged(tmp_path):
    day, order_id = stuck(tmp_path)

    def fail(tracked):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        give_up_in(day, order_id, log=fail)
    assert day.states()["AAA"] == "canceling"


def test_a_fill_of_an_order_that_was_given_up_is_booked_once(tmp_path):
    day, order_id = stuck(tmp_path)
    give_up_in(day, order_id)
    broker = day.broker()
    broker.restate(order_id, shares=100, cash_cents=1_000_00)
    broker.close()

    for _ in range(3):
        day.steps()

    day.assert_books_agree()
    assert day.states()["AAA"] == "given_up"


def test_an_account_that_is_gone_is_left_order_by_order(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(fill_frac=0), 2: Behavior(fill_frac=0)})
    day.steps(until=OPENS)
    day.clock.wait_until(LATER)
    assert day.step(wrap=lambda broker: Gone()).outcome is Outcome.STOPPED

    names = [one.order.order_id for one in day.orders() if one.state in AT_BROKER]
    assert len(names) == 2
    outcomes = [give_up_in(day, name).outcome for name in names]

    assert outcomes == [Outcome.WAITING, Outcome.ENDED]
    assert {one.state for one in day.orders()} <= {State.GIVEN_UP, State.VOID}


@pytest.mark.parametrize(
    ("state", "at", "why"),
    [
        (State.WORKING, CLOSES, ""),
        (State.UNKNOWN, CLOSES, ""),
        (State.CANCELING, CLOSES, ""),
        (State.WORKING, CLOSES - timedelta(seconds=1), "its session has not ended"),
        (State.INTENDED, LATER, "it was never sent"),
        (State.FILLED, LATER, "it is filled already"),
        (State.GIVEN_UP, LATER, "it is given_up already"),
    ],
)
def test_only_what_may_be_at_the_broker_after_its_session_is_given_up(state, at, why):
    found = objection_to_giving_up(make_execution(LINES), Tracked(make_order(), state, 1, "", at), at)

    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_an_order_during_its_session_and_an_unknown_id_are_refused(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(fill_frac=0)})
    day.step()

    with pytest.raises(SafetyError, match="has not ended"):
        give_up_in(day, day.orders()[0].order.order_id)
    with pytest.raises(ConfigError, match="has no order X"):
        give_up_in(day, "X")


def test_giving_up_an_order_of_a_session_without_an_execution_does_not_advise_to_begin_one(tmp_path):
    day = make_day(tmp_path)
    other = SESSION - timedelta(days=7)

    with pytest.raises(SafetyError, match=f"{other} is not being executed") as refused:
        give_up(day.home, other, "X", by="Ann", reason="lost", at=LATER, log=lambda tracked: None)

    assert refused.value.remedy.startswith("Check the session: `afterclose execute D --json`")
