"""A fill that arrives after an execution has ended is booked once, by the next reconciliation."""

from datetime import timedelta

import pytest

from tasks.execution.brokers.base import UnansweredError
from tasks.execution.desk import Outcome
from tasks.execution.ending.late_fills import late_sessions
from tasks.execution.reconciliation.reconciling import reconcile
from tasks.ledger.database import opened
from tests.brokers.scripted import Behavior
from tests.builders import make_settings
from tests.execution_days import CLOSES, FILLS, SESSION, make_day

LATER = CLOSES + timedelta(hours=1)


class Silent:
    """A broker that answers no look-up of an order."""

    def __init__(self, broker):
        self._broker = broker

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def order(self, order_id):
        raise UnansweredError("No answer.", remedy="Ask again.")


def reconciled(day, wrap=lambda broker: broker):
    broker = day.broker()
    try:
        return reconcile(day.home, make_settings(), wrap(broker), day.clock())
    finally:
        broker.close()


def late(day, on=FILLS):
    with opened(day.home) as connection:
        return late_sessions(connection, on)


@pytest.fixture
def ended(tmp_path):
    """An execution that ended with a sale of 100 of which nothing was filled."""
    day = make_day(tmp_path, behaviors={1: Behavior(fill_frac=0)})
    assert day.steps().outcome is Outcome.ENDED
    day.clock.wait_until(LATER)
    return day


def fill_late(day):
    [order_id] = [one.order.order_id for one in day.orders() if one.order.symbol == "AAA"]
    broker = day.broker()
    broker.restate(order_id, shares=100, cash_cents=1_000_00)
    broker.close()
    return order_id


def test_fault_073_a_fill_after_the_end_is_booked_once_by_reconciling(ended):
    state = ended.states()["AAA"]
    order_id = fill_late(ended)

    found = [reconciled(ended) for _ in range(3)]

    ended.assert_books_agree()
    assert [one.standing for one in found] == [(), (), ()]
    assert ended.states()["AAA"] == state
    stated = [
        event for event in ended.events() if event.order_id == order_id and event.filled_shares == "100"
    ]
    assert len(stated) == 1


def test_fault_073_an_order_that_cannot_be_read_is_asked_for_the_next_time(ended):
    fill_late(ended)

    reconciled(ended, Silent)
    assert ended.balance().shares["AAA"] == 100
    reconciled(ended)

    ended.assert_books_agree()


def test_fault_073_only_recent_executions_with_unfilled_orders_are_asked_about(ended, tmp_path):
    assert late(ended) == (SESSION,)
    assert late(ended, FILLS + timedelta(days=8)) == ()
    fill_late(ended)
    reconciled(ended)
    assert late(ended) == ()
