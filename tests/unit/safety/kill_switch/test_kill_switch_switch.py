import json
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.core.atomic import LEFTOVER_SUFFIX
from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.safety.kill_switch.halts_outside import write_outside
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch
from tasks.safety.kill_switch.switch_file import Event, as_stored

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
LATER = datetime(2024, 6, 14, 18, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    set_up(home)
    return home


def test_a_new_home_is_clear(home):
    switch = read_switch(home)

    assert not switch.is_on
    assert switch.description == "clear"


def test_tripping_halts_until_a_named_person_resets(home):
    tripped = trip_switch(home, "check_day", "daily loss", NOON)

    assert tripped == read_switch(home)
    assert read_switch(home).is_on
    assert (
        read_switch(home).description == "on, tripped by check_day at 2024-06-14T16:00:00+00:00: daily loss"
    )

    reset_switch(home, "Ada", "looked into it", LATER)

    assert not read_switch(home).is_on


def test_a_second_trip_keeps_the_first_reason_and_joins_the_history(home):
    trip_switch(home, "check_day", "daily loss", NOON)
    trip_switch(home, "Ada", "me too", LATER)

    switch = read_switch(home)

    assert switch.event.reason == "daily loss"
    assert [event.reason for event in switch.events] == ["", "daily loss", "me too"]


@pytest.mark.parametrize(("by", "reason"), [("", "because"), ("Ada", ""), (" \t", "because"), ("Ada", "\n")])
def test_a_reset_without_name_or_reason_is_refused(home, by, reason):
    trip_switch(home, "check_day", "daily loss", NOON)

    with pytest.raises(ConfigError, match="requires a name and a reason"):
        reset_switch(home, by, reason, LATER)

    assert read_switch(home).is_on


def test_the_stop_file_halts_whatever_the_switch_says_and_a_reset_removes_it(home):
    home.stop_file.touch()

    assert read_switch(home).is_on

    reset_switch(home, "Ada", "false alarm", LATER)

    assert not home.stop_file.exists()
    assert not read_switch(home).is_on


def test_a_dangling_link_named_stop_halts_too(home):
    home.stop_file.symlink_to(home.root / "nowhere")

    assert read_switch(home).is_on


def test_a_hostile_reason_stays_one_line(home):
    trip_switch(home, "Ada\nclear", "x\r\ny\t", NOON)

    assert read_switch(home).event.by == "Ada clear"
    assert read_switch(home).event.reason == "x y"


def test_only_a_reset_acknowledges_the_session_that_tripped(home):
    trip_switch(home, "check_day", "daily loss", NOON, cause="daily_loss", session=date(2024, 6, 14))

    assert read_switch(home).acknowledged_through("daily_loss") is None

    reset_switch(home, "Ada", "looked into it", LATER)

    assert read_switch(home).acknowledged_through("daily_loss") == date(2024, 6, 14)


def test_a_trip_of_the_sharpe_rule_by_an_earlier_build_keeps_its_effect(home):
    trip_switch(home, "check_day", "low", NOON, cause="six_week_sharpe", session=date(2024, 6, 14))

    assert read_switch(home).allows_reductions

    reset_switch(home, "Ada", "looked into it", LATER)

    assert read_switch(home).acknowledged_through("sharpe_ratio") == date(2024, 6, 14)


def test_the_file_can_be_read_by_a_person(home):
    trip_switch(home, "Ada", "nervous", NOON)

    record = json.loads(home.kill_switch_file.read_text())

    assert (record["state"], record["by"], record["reason"]) == ("on", "Ada", "nervous")
    assert record["at"] == "2024-06-14T16:00:00+00:00"


def test_a_trip_that_is_kept_outside_the_home_halts_with_its_own_words(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = write_outside(home, as_stored(Event("on", "Ada", "the disk is full", None, cause="by_hand")))

    switch = read_switch(home)

    assert [trip.name for trip in switch.trips] == [kept.name]
    assert switch.description == "on, tripped by Ada: the disk is full"
    assert not switch.allows_reductions


def test_the_stop_file_is_shown_first_as_a_halt_by_hand_that_lets_nothing_through(home):
    trip_switch(home, "check_day", "lost 4%", NOON, cause="daily_loss", session=date(2024, 6, 14))
    assert read_switch(home).allows_reductions
    home.stop_file.touch()

    switch = read_switch(home)

    assert [trip.name for trip in switch.trips] == ["STOP", "1"]
    assert switch.event == switch.trips[0].event
    assert (switch.event.state, switch.event.by, switch.event.cause) == ("on", "STOP", "by_hand")
    assert "STOP: live/STOP exists, so somebody halted trading by hand;" in switch.description
    assert not switch.allows_reductions


def test_a_trip_outside_the_home_that_cannot_be_read_is_of_unreadable_cause(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_outside(home, {})

    (trip,) = read_switch(home).trips

    assert (trip.event.state, trip.event.cause) == ("on", "unreadable")
    assert read_switch(home).description == "on: A trip stored outside the home cannot be read"


def test_a_trip_outside_the_home_that_cannot_be_read_ends_with_its_reset(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_outside(home, {})

    reset_switch(home, "Bea", "calm", LATER)

    assert read_switch(home).description == "clear"


def test_a_switch_that_is_a_link_is_on_and_says_why(home):
    home.kill_switch_file.rename(home.live / "elsewhere.json")
    home.kill_switch_file.symlink_to(home.live / "elsewhere.json")

    switch = read_switch(home)

    assert switch.is_on
    assert "symbolic link" in switch.description
    assert switch.event.cause == "unreadable"


def block_writing(home):
    """Make the switch's lock, and with it the switch, impossible to write, as root too."""
    home.kill_switch_lock.unlink(missing_ok=True)
    home.kill_switch_lock.mkdir()


def test_a_trip_that_cannot_be_written_halts_by_the_stop_file_and_says_why(home):
    block_writing(home)

    switch = trip_switch(home, "Ann", "broker calls", NOON)

    assert home.stop_file.exists()
    assert switch.event == read_switch(home).event
    (problem,) = switch.problems
    assert problem.startswith("The kill switch file could not be written (")
    assert str(home.kill_switch_lock) in problem
    assert f"Trading is halted by {home.stop_file}" in problem
    assert ".." not in problem


# a run that hangs with the lock may have read the switch before the halt
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_halt_without_the_switch_withdraws_the_day_about_to_be_published(
    home, tmp_path, monkeypatch, is_stopped
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    unpublished = home.live / f".2024-06-14.1f{LEFTOVER_SUFFIX}"
    unpublished.mkdir()
    (unpublished / "trades.csv").write_text("symbol")
    if is_stopped:
        home.stop_file.touch()
    block_writing(home)

    assert trip_switch(home, "Ann", "broker calls", NOON).is_on

    assert not unpublished.exists()
    (withdrawn,) = home.live.glob(f".withdrawn.*{LEFTOVER_SUFFIX}")
    assert (withdrawn / "trades.csv").read_text() == "symbol"


def test_a_day_that_is_published_in_between_keeps_no_other_from_being_withdrawn(home, monkeypatch):
    for name in ("a", "b"):
        (home.live / f".{name}{LEFTOVER_SUFFIX}").mkdir()
    rename, published = Path.rename, []

    def first_is_gone(path, target):
        if not published:
            published.append(path)
            path.rmdir()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", first_is_gone)
    block_writing(home)

    assert trip_switch(home, "Ann", "broker calls", NOON).is_on

    (withdrawn,) = home.live.glob(f".*{LEFTOVER_SUFFIX}")
    assert withdrawn.name.startswith(".withdrawn.")


# a reset may be about to remove the STOP that exists, and with it the later trip
def test_where_a_stop_file_exists_already_the_trip_is_stored_outside_with_its_reason(
    home, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home.stop_file.touch()
    block_writing(home)

    trip_switch(home, "Ann", "broker calls", NOON)
    home.stop_file.unlink()

    assert [trip.event.reason for trip in read_switch(home).trips] == ["broker calls"]


def test_a_trip_in_a_home_that_takes_no_file_at_all_is_stored_outside(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    block_writing(home)
    home.kill_switch_file.unlink()
    home.live.rmdir()
    home.live.write_text("not a folder")

    switch = trip_switch(home, "Ann", "broker calls", NOON)

    assert "Trading is halted by " in switch.problems[0]
    assert str(tmp_path / "state") in switch.problems[0]


def test_a_trip_in_a_home_whose_path_is_too_long_says_that_nothing_was_halted(tmp_path):
    with pytest.raises(StorageError, match=r"could not be tripped: .*File name too long"):
        trip_switch(Home(tmp_path / ("h" * 300)), "Ann", "broker calls", NOON)


def test_the_log_of_a_reset_names_the_trips_it_ended_and_none_where_there_was_none(home):
    trip_switch(home, "Ann", "nervous", NOON)
    reset_switch(home, "Bea", "calm", LATER)
    reset_switch(home, "Bea", "to be sure", LATER)

    resets = [line for line in home.audit_log.read_text().splitlines() if "kill_switch_reset" in line]

    assert read_switch(home).event.at == "2024-06-14T18:00:00+00:00"
    assert ",calm (trip 1)," in resets[0]
    assert ",to be sure," in resets[1]


@pytest.mark.parametrize("is_damaged", [True, False])
def test_only_a_switch_that_cannot_be_read_is_retained_under_another_name(home, is_damaged):
    if is_damaged:
        home.kill_switch_file.write_text("{torn")

    trip_switch(home, "Ann", "nervous", NOON)

    retained = home.kill_switch_file.with_name("kill_switch.unreadable")
    assert retained.exists() is is_damaged
    assert not is_damaged or retained.read_text() == "{torn"


def test_a_trip_in_a_home_whose_switch_is_gone_does_not_hide_that(home):
    home.kill_switch_file.unlink()

    switch = trip_switch(home, "Ann", "nervous", NOON)

    assert [trip.event.reason for trip in switch.trips] == ["The kill switch file is missing.", "nervous"]


def test_a_trip_in_a_folder_that_is_not_a_home_yet_is_the_only_one(tmp_path):
    new = Home(tmp_path / "new")
    new.live.mkdir(parents=True)

    assert [trip.event.reason for trip in trip_switch(new, "Ann", "nervous", NOON).trips] == ["nervous"]


def test_trips_from_outside_join_the_history_and_end_with_their_reset(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for reason in ("one", "two"):
        write_outside(home, as_stored(Event("on", "Ann", reason, None, cause="by_hand")))
    names = [trip.name for trip in read_switch(home).trips]

    switch = reset_switch(home, "Bea", "calm", LATER, trips=names)

    assert not switch.is_on
    assert sorted(event.reason for event in switch.events if event.state == "on") == ["one", "two"]


def test_a_switch_that_is_a_folder_is_on_and_says_why(home):
    home.kill_switch_file.unlink()
    home.kill_switch_file.mkdir()

    assert "cannot be read: Is a directory" in read_switch(home).description


def test_times_are_written_in_utc_wherever_the_machine_is(home, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        trip_switch(home, "Ann", "nervous", NOON)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert read_switch(home).event.at == "2024-06-14T16:00:00+00:00"


def test_a_reset_of_one_trip_from_outside_leaves_the_other_out_of_the_history(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for reason in ("one", "two"):
        write_outside(home, as_stored(Event("on", "Ann", reason, None, cause="by_hand")))
    first, second = read_switch(home).trips

    switch = reset_switch(home, "Bea", "calm", LATER, trips=[first.name])

    assert switch.trips == (second,)
    assert [event.reason for event in switch.events if event.state == "on"] == [first.event.reason]
