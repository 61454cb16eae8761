"""Every pair of state and event, and the rules behind the table."""

from datetime import UTC, datetime
from itertools import product

import pytest

from tasks.execution.brokers.base import RefusedError, Status
from tasks.execution.order_state import (
    REPORTED,
    TABLE,
    Event,
    IllegalTransitionError,
    after,
    is_sent_elsewhere,
    next_state,
    not_sent_event,
    refusal_event,
)
from tasks.execution.schema import AT_BROKER, OPEN, State, Tracked
from tests.orders import make_order

AT = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)
PAIRS = list(product(State, Event))
FINAL = [state for state in State if state.is_final]


def make_tracked(state=State.UNKNOWN, sends=1):
    return Tracked(make_order(), state, sends, "", AT)


def refused(**fields):
    return RefusedError("The broker refused.", remedy="Read its reason.", **fields)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_is_decided(state, event):
    cell = TABLE[state][event]

    if isinstance(cell, State):
        assert next_state(state, event) is cell
    else:
        with pytest.raises(IllegalTransitionError, match=cell):
            next_state(state, event)


def test_the_table_has_every_pair_and_no_other():
    assert {(state, event) for state, row in TABLE.items() for event in row} == set(PAIRS)


@pytest.mark.parametrize(("state", "event"), list(product(sorted(FINAL), Event)))
def test_a_final_state_never_changes(state, event):
    assert TABLE[state][event] == state or isinstance(TABLE[state][event], str)


@pytest.mark.parametrize(("state", "status"), list(product(sorted(OPEN), Status)))
def test_fault_126_a_final_report_ends_every_open_state(state, status):
    expected = {
        Status.FILLED: State.FILLED,
        Status.CANCELED: State.CANCELED,
        Status.EXPIRED: State.EXPIRED,
        Status.REJECTED: State.REJECTED,
        Status.CANCELING: State.CANCELING,
        Status.OPEN: State.CANCELING if state is State.CANCELING else State.WORKING,
    }

    assert next_state(state, REPORTED[status]) is expected[status]


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_an_order_that_may_be_at_the_broker_leaves_only_by_its_answer_or_by_a_person(state, event):
    answers = {*REPORTED.values(), Event.REFUSED, Event.NOT_SENT, Event.NOT_FOUND_AFTER_CLOSE, Event.GIVEN_UP}

    cell = TABLE[state][event]

    if state in AT_BROKER and isinstance(cell, State) and cell not in AT_BROKER:
        assert event in answers


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_only_an_order_that_is_intended_or_unknown_is_sent(state, event):
    cell = TABLE[state][event]

    if event is Event.ABOUT_TO_SEND:
        assert isinstance(cell, State) == (state in {State.INTENDED, State.UNKNOWN})


def test_fault_070_an_order_that_is_not_found_stays_unknown():
    assert next_state(State.UNKNOWN, Event.NOT_FOUND) is State.UNKNOWN


def test_fault_133_a_working_order_is_never_dropped():
    for event in (Event.NOT_FOUND, Event.NOT_FOUND_AFTER_CLOSE):
        assert next_state(State.WORKING, event) is State.WORKING
        assert next_state(State.CANCELING, event) is State.CANCELING


def test_only_an_order_without_any_answer_is_absent_after_the_close():
    into = {state for state in State if TABLE[state][Event.NOT_FOUND_AFTER_CLOSE] is State.ABSENT}

    assert into == {State.UNKNOWN, State.ABSENT}


def test_a_first_refusal_is_a_rejection():
    assert refusal_event(refused(), sends=1) is Event.REFUSED


@pytest.mark.parametrize(
    ("fields", "sends"),
    [({}, 2), ({"definite": False}, 1), ({"duplicate": True}, 1), ({"duplicate": True}, 3)],
)
def test_faults_067_068_any_other_refusal_is_not_a_rejection(fields, sends):
    assert refusal_event(refused(**fields), sends=sends) is Event.REFUSED_IN_DOUBT


@pytest.mark.parametrize(
    ("fields", "sends", "expected"),
    [
        ({"duplicate": True}, 1, True),
        ({"duplicate": True}, 2, False),  # the first request may have been carried out
        ({"duplicate": True, "definite": False}, 1, False),  # so may that of the client library
        ({}, 1, False),
    ],
)
def test_an_id_that_was_taken_before_the_only_request_is_of_another_home(fields, sends, expected):
    assert is_sent_elsewhere(refused(**fields), sends=sends) is expected


def test_a_request_that_was_not_carried_out_counts_no_longer():
    before = make_tracked(State.INTENDED, sends=0)

    sent = after(before, Event.ABOUT_TO_SEND, reason="sent", at=AT)
    back = after(sent, not_sent_event(sends=sent.sends), reason="rate limit", at=AT)

    assert (sent.state, sent.sends) == (State.UNKNOWN, 1)
    assert (back.state, back.sends) == (State.INTENDED, 0)


def test_fault_074_a_second_request_that_was_not_carried_out_leaves_the_first_in_doubt():
    sent = after(make_tracked(State.UNKNOWN, sends=1), Event.ABOUT_TO_SEND, reason="again", at=AT)

    back = after(sent, not_sent_event(sends=sent.sends), reason="rate limit", at=AT)

    assert (back.state, back.sends) == (State.UNKNOWN, 1)


def test_fault_082_a_report_that_changes_nothing_keeps_the_reason_of_the_last_change():
    before = make_tracked(State.WORKING)

    assert after(before, Event.REPORTED_OPEN, reason="accepted", at=AT.replace(hour=15)) is before
