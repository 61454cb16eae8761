import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import SafetyError, StorageError
from tasks.execution.brokers.base import BrokerOrder, Status
from tasks.execution.execution import Stage
from tasks.execution.journal import (
    FencedError,
    active_sessions,
    booked_of,
    filled_shares,
    ledger_cash_cents,
    prepare,
    read_events,
    read_execution,
    read_orders,
    start_run,
    store_execution,
)
from tasks.execution.order_state import Event, IllegalTransitionError
from tasks.execution.schema import State
from tasks.ledger.database import opened
from tests.execution_days import CASH, EVENING, FILLS, OPENS, SESSION, make_day, make_execution
from tests.orders import make_order

ORDER = make_order(row=0, symbol="AAA", side="SELL", shares=100)


@pytest.fixture
def connection(tmp_path):
    with opened(make_day(tmp_path).home) as connection:
        yield connection


@pytest.fixture
def journal(connection):
    return start_run(connection, SESSION, EVENING)


def filled(shares, cents):
    return BrokerOrder(
        ORDER.order_id, "AAA", "SELL", Decimal(100), Status.OPEN, Decimal(shares), cents, 0, OPENS
    )


def intend(journal, order=ORDER):
    with journal.writing():
        journal.store_intent(order, why="approved", at=EVENING)
    return read_orders(journal.connection, SESSION)[0]


def test_what_is_stored_is_read_back(connection, journal):
    order = replace(ORDER, timing="limit", limit_price=Decimal("9.8000"))

    tracked = intend(journal, order)

    assert tracked.order == order
    assert (tracked.state, tracked.sends, tracked.reason) == (State.INTENDED, 0, "approved")
    assert read_execution(connection, SESSION) == make_execution(first_intent_at=EVENING)
    assert [(event.event, event.state, event.run) for event in read_events(connection, SESSION)] == [
        ("intended", "intended", journal.token)
    ]


def test_an_order_that_is_skipped_is_not_a_first_intent(connection, journal):
    with journal.writing():
        journal.store_intent(ORDER, why="outside its band", at=EVENING, is_void=True)

    assert read_orders(connection, SESSION)[0].state is State.VOID
    assert read_execution(connection, SESSION).first_intent_at is None


def test_the_same_order_cannot_be_intended_twice(journal):
    intend(journal)

    with pytest.raises(StorageError, match="UNIQUE"):
        intend(journal)


def test_a_fill_and_the_state_are_one_transaction(connection, journal):
    tracked = intend(journal)

    def book_and_refuse():
        with journal.writing():
            assert journal.book(ORDER, filled(40, 400_00), session=FILLS, at=OPENS)
            journal.store_event(tracked, Event.REFUSED, at=OPENS, reason="refused")

    with pytest.raises(IllegalTransitionError):
        book_and_refuse()

    assert booked_of(connection, ORDER).shares == 0
    assert ledger_cash_cents(connection) == CASH


def test_fault_082_a_fill_that_is_stated_twice_is_booked_once(connection, journal):
    intend(journal)

    for total in (filled(40, 400_00), filled(40, 400_00), filled(100, 1000_00), filled(40, 400_00)):
        with journal.writing():
            journal.book(ORDER, total, session=FILLS, at=OPENS)

    assert booked_of(connection, ORDER).shares == 100
    assert ledger_cash_cents(connection) == CASH + 1000_00


def test_the_shares_that_were_filled_are_those_of_the_ledger(connection, journal):
    tracked = intend(journal)
    assert filled_shares(connection, [tracked]) == {ORDER.order_id: 0}

    with journal.writing():
        tracked = journal.store_event(tracked, Event.ABOUT_TO_SEND, at=OPENS, reason="now")
        journal.book(ORDER, filled(40, 400_00), session=FILLS, at=OPENS)

    assert filled_shares(connection, read_orders(connection, SESSION)) == {ORDER.order_id: 40}


def test_fault_090_every_write_of_an_older_run_is_refused(connection, journal):
    tracked = intend(journal)
    newer = start_run(connection, SESSION, OPENS)

    with pytest.raises(FencedError, match="taken over"), journal.writing():
        journal.store_event(tracked, Event.ABOUT_TO_SEND, at=OPENS, reason="late")
    with newer.writing():
        newer.store_event(tracked, Event.ABOUT_TO_SEND, at=OPENS, reason="now")

    assert read_orders(connection, SESSION)[0].sends == 1
    assert newer.token > journal.token


def test_a_run_of_another_session_takes_over_too(connection, journal):
    start_run(connection, FILLS, OPENS)

    with pytest.raises(FencedError):
        intend(journal)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET shares = 1000",
        "UPDATE orders SET order_id = 'another'",
        "DELETE FROM orders",
        "UPDATE executions SET terms = '{}'",
        "UPDATE executions SET account = 'A2'",
        "DELETE FROM executions",
        "UPDATE order_events SET reason = 'never happened'",
        "DELETE FROM order_events",
        "DELETE FROM runs",
    ],
)
def test_what_was_stored_cannot_be_changed(connection, journal, statement):
    intend(journal)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_a_session_is_executed_on_one_approval(connection):
    again = store_execution(connection, make_execution(created_at=OPENS))

    assert again.created_at == EVENING
    with pytest.raises(SafetyError, match="another approval"):
        store_execution(connection, make_execution(approval_sha256="b" * 64))


def test_an_execution_that_ended_is_not_active(connection, journal):
    later = make_execution(session=FILLS)
    store_execution(connection, later)

    with journal.writing():
        journal.end(Stage.FINISHED, at=OPENS, reason="4 filled")

    assert active_sessions(connection) == (FILLS,)
    assert read_execution(connection, SESSION).reason == "4 filled"


def test_the_same_ending_of_steps_is_stored_once(connection, journal):
    for reason in ("no answer", "no answer", "waiting", "no answer"):
        with journal.writing():
            journal.note_news("waiting", at=OPENS + timedelta(minutes=1), reason=reason)

    assert [event.reason for event in read_events(connection, SESSION)] == [
        "no answer",
        "waiting",
        "no answer",
    ]


def test_the_tables_are_made_once(connection):
    prepare(connection)
    prepare(connection)

    assert read_orders(connection, SESSION) == ()
