"""The states of an order: (state, event) → state, every pair decided in one table. Pure.

Filled shares are not part of the state: they are booked whenever the broker reports them, after a final state too.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from tasks.core.errors import SafetyError
from tasks.execution.brokers.base import RefusedError, Status
from tasks.execution.schema import State, Tracked


class Event(StrEnum):
    """What can happen to an order, in the order in which it usually happens."""

    ABOUT_TO_SEND = "about_to_send"  # stored before a request leaves
    NOT_SENT = "not_sent"  # that request was certainly not carried out, and it was the only one
    NOT_SENT_AGAIN = "not_sent_again"  # as above, but an earlier request may have been carried out
    REFUSED = "refused"  # the only request was refused by the broker
    REFUSED_IN_DOUBT = "refused_in_doubt"  # refused, but a request of this id may have been accepted before
    UNANSWERED = "unanswered"
    NOT_FOUND = "not_found"  # a look-up by id says that there is no such order
    NOT_FOUND_AFTER_CLOSE = "not_found_after_close"
    CONFLICTING = "conflicting"  # the broker has a different order under this id
    REPORTED_OPEN = "reported_open"
    REPORTED_CANCELING = "reported_canceling"
    REPORTED_FILLED = "reported_filled"
    REPORTED_CANCELED = "reported_canceled"
    REPORTED_EXPIRED = "reported_expired"
    REPORTED_REJECTED = "reported_rejected"
    CANCEL_ABOUT_TO_SEND = "cancel_about_to_send"  # stored before a request to cancel leaves
    VOIDED = "voided"
    GIVEN_UP = "given_up"  # by a named person, after its session


class IllegalTransitionError(SafetyError):
    """An event that cannot happen to an order in this state."""


REPORTED = {
    Status.OPEN: Event.REPORTED_OPEN,
    Status.CANCELING: Event.REPORTED_CANCELING,
    Status.FILLED: Event.REPORTED_FILLED,
    Status.CANCELED: Event.REPORTED_CANCELED,
    Status.EXPIRED: Event.REPORTED_EXPIRED,
    Status.REJECTED: Event.REPORTED_REJECTED,
}
FINAL_REPORTS = {
    Event.REPORTED_FILLED: State.FILLED,
    Event.REPORTED_CANCELED: State.CANCELED,
    Event.REPORTED_EXPIRED: State.EXPIRED,
    Event.REPORTED_REJECTED: State.REJECTED,
}
AT_BROKER_REPORTS = {Event.REPORTED_CANCELING: State.CANCELING, **FINAL_REPORTS}

NEVER_SENT = "no request has been sent"
IS_CONFIRMED = "the broker has confirmed the order, so it is not sent again"
IS_FINAL = "the order is final"
NOT_UNDER_WAY = "no request to place the order is under way"
MAY_FILL = "the order may be at the broker: it can only be canceled"

Cell = State | str  # the next state, or why there is none


def _final(state: State) -> dict[Event, Cell]:
    """Nothing changes a final state. Reports, failed look-ups and cancellations of what should not be open pass."""
    return {
        Event.ABOUT_TO_SEND: IS_FINAL,
        Event.NOT_SENT: NOT_UNDER_WAY,
        Event.NOT_SENT_AGAIN: NOT_UNDER_WAY,
        Event.REFUSED: NOT_UNDER_WAY,
        Event.REFUSED_IN_DOUBT: NOT_UNDER_WAY,
        Event.UNANSWERED: state,
        Event.NOT_FOUND: state,
        Event.NOT_FOUND_AFTER_CLOSE: state,
        Event.CONFLICTING: state,
        Event.REPORTED_OPEN: state,
        Event.REPORTED_CANCELING: state,
        Event.REPORTED_FILLED: state,
        Event.REPORTED_CANCELED: state,
        Event.REPORTED_EXPIRED: state,
        Event.REPORTED_REJECTED: state,
        Event.CANCEL_ABOUT_TO_SEND: state,
        Event.VOIDED: IS_FINAL,
        Event.GIVEN_UP: IS_FINAL,
    }


TABLE: dict[State, dict[Event, Cell]] = {
    State.INTENDED: {
        Event.ABOUT_TO_SEND: State.UNKNOWN,
        Event.NOT_SENT: NEVER_SENT,
        Event.NOT_SENT_AGAIN: NEVER_SENT,
        Event.REFUSED: NEVER_SENT,
        Event.REFUSED_IN_DOUBT: NEVER_SENT,
        Event.UNANSWERED: State.INTENDED,  # of a look-up
        Event.NOT_FOUND: State.INTENDED,
        Event.NOT_FOUND_AFTER_CLOSE: State.INTENDED,
        Event.CONFLICTING: State.INTENDED,
        Event.REPORTED_OPEN: State.WORKING,  # the broker has it, whatever we remember: after a restored backup
        **AT_BROKER_REPORTS,
        Event.CANCEL_ABOUT_TO_SEND: f"{NEVER_SENT}: the order is voided instead",
        Event.VOIDED: State.VOID,
        Event.GIVEN_UP: f"{NEVER_SENT}: the order is voided instead",
    },
    State.UNKNOWN: {
        Event.ABOUT_TO_SEND: State.UNKNOWN,
        Event.NOT_SENT: State.INTENDED,
        Event.NOT_SENT_AGAIN: State.UNKNOWN,
        Event.REFUSED: State.REJECTED,
        Event.REFUSED_IN_DOUBT: State.UNKNOWN,
        Event.UNANSWERED: State.UNKNOWN,
        Event.NOT_FOUND: State.UNKNOWN,  # the look-up may be stale, or the request still on its way
        Event.NOT_FOUND_AFTER_CLOSE: State.ABSENT,
        Event.CONFLICTING: State.UNKNOWN,
        Event.REPORTED_OPEN: State.WORKING,
        **AT_BROKER_REPORTS,
        Event.CANCEL_ABOUT_TO_SEND: State.UNKNOWN,  # stays to be looked up: there may be nothing to cancel
        Event.VOIDED: MAY_FILL,
        Event.GIVEN_UP: State.GIVEN_UP,
    },
    State.WORKING: {
        Event.ABOUT_TO_SEND: IS_CONFIRMED,
        Event.NOT_SENT: IS_CONFIRMED,
        Event.NOT_SENT_AGAIN: IS_CONFIRMED,
        Event.REFUSED: IS_CONFIRMED,
        Event.REFUSED_IN_DOUBT: IS_CONFIRMED,
        Event.UNANSWERED: State.WORKING,
        Event.NOT_FOUND: State.WORKING,  # it was confirmed: one answer to the contrary does not remove it
        Event.NOT_FOUND_AFTER_CLOSE: State.WORKING,
        Event.CONFLICTING: State.WORKING,
        Event.REPORTED_OPEN: State.WORKING,
        **AT_BROKER_REPORTS,
        Event.CANCEL_ABOUT_TO_SEND: State.CANCELING,
        Event.VOIDED: MAY_FILL,
        Event.GIVEN_UP: State.GIVEN_UP,
    },
    State.CANCELING: {
        Event.ABOUT_TO_SEND: IS_CONFIRMED,
        Event.NOT_SENT: IS_CONFIRMED,
        Event.NOT_SENT_AGAIN: IS_CONFIRMED,
        Event.REFUSED: IS_CONFIRMED,
        Event.REFUSED_IN_DOUBT: IS_CONFIRMED,
        Event.UNANSWERED: State.CANCELING,
        Event.NOT_FOUND: State.CANCELING,
        Event.NOT_FOUND_AFTER_CLOSE: State.CANCELING,
        Event.CONFLICTING: State.CANCELING,
        Event.REPORTED_OPEN: State.CANCELING,  # the request may be on its way, or lost: it is sent again
        **AT_BROKER_REPORTS,
        Event.CANCEL_ABOUT_TO_SEND: State.CANCELING,
        Event.VOIDED: MAY_FILL,
        Event.GIVEN_UP: State.GIVEN_UP,
    },
    **{state: _final(state) for state in State if state.is_final},
}

REQUESTS = {Event.ABOUT_TO_SEND: 1, Event.NOT_SENT: -1, Event.NOT_SENT_AGAIN: -1}  # change in `sends`


def next_state(state: State, event: Event) -> State:
    """Return the state after the event. Raises IllegalTransitionError, with the reason, if it cannot happen."""
    cell = TABLE[state][event]
    if isinstance(cell, State):
        return cell
    raise IllegalTransitionError(
        f"An order that is `{state}` cannot have the event `{event}`: {cell}.",
        remedy="Stop the execution and report this: the order's events are in the ledger.",
        state=str(state),
        event=str(event),
    )


def after(tracked: Tracked, event: Event, *, reason: str, at: datetime) -> Tracked:
    """Return the order after the event; an event that changes neither state nor requests keeps reason and time."""
    state = next_state(tracked.state, event)
    sends = tracked.sends + REQUESTS.get(event, 0)
    if state == tracked.state and sends == tracked.sends:
        return tracked
    return replace(tracked, state=state, sends=sends, reason=reason, changed_at=at)


def refusal_event(refused: RefusedError, *, sends: int) -> Event:
    """Return what a refusal means: a rejection only if no request of this id can have been accepted."""
    is_rejection = sends == 1 and refused.definite and not refused.duplicate
    return Event.REFUSED if is_rejection else Event.REFUSED_IN_DOUBT


def is_sent_elsewhere(refused: RefusedError, *, sends: int) -> bool:
    """Return whether the order at the broker is not of this ledger: the id was taken before its only request."""
    return refused.duplicate and refused.definite and sends == 1


def not_sent_event(*, sends: int) -> Event:
    """Return the event of a request that was certainly not carried out; `sends` counts it."""
    return Event.NOT_SENT if sends == 1 else Event.NOT_SENT_AGAIN
