"""What is announced of the kill switch, derived from what was announced before."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.homes.home import Home
from tasks.reporting.notify.notices.switch import Announced, next_announced, switch_notice
from tasks.reporting.notify.schema import Tone
from tasks.safety.kill_switch.switch_file import CLEAR, ON, Event, Switch, Trip, active_trips

HOME = Home(Path("/home"))
TRIP = Event(ON, "safety", "a loss of 4%", "2024-06-14T20:00:00+00:00", "2024-06-14", "daily_loss")
OTHER = Event(ON, "Ann", "odd prices", "2024-06-14T21:00:00+00:00", cause="by_hand")
RESET = Event(CLEAR, "Ann", "looked into", "2024-06-14T22:00:00+00:00")
NEW = Event(CLEAR, "", "", None)
NOTHING = Announced(1, (), 1)


def switch_of(*events):
    trips = active_trips(events)
    return Switch(trips[0].event if trips else events[-1], events, trips)


def after(switch):
    return next_announced(NOTHING, switch)


def test_a_trip_is_announced_with_its_reason_and_how_to_reset_it():
    notice = switch_notice(HOME, NOTHING, switch_of(NEW, TRIP))

    assert notice.subject == "KILL SWITCH ON: a loss of 4%"
    assert "Sells may still be proposed" in notice.lead[1]
    assert notice.commands[0].line.startswith("afterclose kill-switch reset --home /home")


def test_a_trip_by_hand_also_stops_sales():
    assert "no order is sent" in switch_notice(HOME, NOTHING, switch_of(NEW, OTHER)).lead[1]


def test_what_was_announced_is_not_announced_again():
    tripped = switch_of(NEW, TRIP)

    assert switch_notice(HOME, after(tripped), tripped) is None


def test_a_second_trip_is_announced():
    notice = switch_notice(HOME, after(switch_of(NEW, TRIP)), switch_of(NEW, TRIP, OTHER))

    assert notice.subject == "KILL SWITCH ON: odd prices"
    assert len(notice.facts) == 2


def test_a_reset_is_announced_with_who_and_why():
    notice = switch_notice(HOME, after(switch_of(NEW, TRIP)), switch_of(NEW, TRIP, RESET))

    assert notice.subject == "kill switch off, reset by Ann: looked into"


def test_a_trip_that_was_reset_before_anyone_looked_is_still_announced():
    notice = switch_notice(HOME, NOTHING, switch_of(NEW, TRIP, RESET))

    assert notice.subject == "kill switch was tripped and reset by Ann: looked into"
    assert "a loss of 4%" in notice.lead[0]


def test_a_reset_of_one_of_two_trips_says_that_the_switch_stays_on():
    one_reset = Event(CLEAR, "Ann", "looked into", "2024-06-14T22:00:00+00:00", acknowledges=("1",))

    notice = switch_notice(HOME, after(switch_of(NEW, TRIP, OTHER)), switch_of(NEW, TRIP, OTHER, one_reset))

    assert notice.subject == "kill switch still on: 1 trip not reset"


def test_a_removed_stop_file_is_announced():
    stopped = Switch(
        OTHER, (NEW,), (Trip("STOP", Event(ON, "STOP", "live/STOP exists", None, cause="by_hand")),)
    )

    assert (
        switch_notice(HOME, after(stopped), switch_of(NEW)).subject
        == "kill switch off, live/STOP was removed"
    )


def test_a_trip_outside_the_home_is_not_announced_again_when_the_reset_adds_it_to_the_history():
    outside = Switch(OTHER, (NEW,), (Trip("outside-1", OTHER),))

    notice = switch_notice(HOME, after(outside), switch_of(NEW, OTHER, RESET))

    assert notice.subject == "kill switch off, reset by Ann: looked into"
    assert notice.tone is Tone.INFO


def test_the_same_trip_at_another_time_is_another_notice():
    stopped = Switch(
        OTHER, (NEW,), (Trip("STOP", Event(ON, "STOP", "live/STOP exists", None, cause="by_hand")),)
    )
    first = switch_notice(HOME, NOTHING, stopped)
    later = next_announced(next_announced(NOTHING, stopped), switch_of(NEW))

    again = switch_notice(HOME, later, stopped)

    assert again.subject == first.subject
    assert again.key != first.key


@pytest.mark.parametrize("looks", [1, 2, 7])
@given(st.lists(st.sampled_from([TRIP, OTHER, RESET]), max_size=6))
def test_every_change_is_announced_once_however_often_someone_looks(looks, events):
    """The state after the last announcement is the present one, and nothing is said while nothing changes."""
    before, history = NOTHING, (NEW,)
    was_on = False
    for event in events:
        history = (*history, event)
        switch = switch_of(*history)
        said = []
        for _ in range(looks):
            notice = switch_notice(HOME, before, switch)
            said += [] if notice is None else [notice]
            before = next_announced(before, switch)
        assert len(said) <= 1
        if switch.is_on != was_on:
            assert len(said) == 1
        was_on = switch.is_on
