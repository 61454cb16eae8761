"""The kill switch under races, on disks that take nothing, and reset cause by cause (fault 117; issue 10, line 2)."""

import fcntl
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.setup import set_up
from tasks.data.upkeep import backup as backups
from tasks.data.upkeep.backup import INTERRUPTED
from tasks.safety.audit import verify
from tasks.safety.kill_switch import halts_outside
from tasks.safety.kill_switch import switch as kill_switch
from tasks.safety.kill_switch.switch import read_switch, reset_command, reset_switch, trip_switch
from tests.homes import LAST_SESSION, afterclose

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
FRIDAY = date(2024, 6, 14)
MANY_TIMES = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch

home, what, name = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
for number in range(15):
    if what == "trip":
        trip_switch(home, name, f"{name}-{number}", datetime.now(UTC))
    elif trips := [trip.name for trip in read_switch(home).trips if trip.event.by != "last"]:
        try:
            reset_switch(home, name, "looked into", datetime.now(UTC), trips=trips)
        except AftercloseError as error:
            print(error, file=sys.stderr)
if what == "trip":
    trip_switch(home, "last", name, datetime.now(UTC))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = Home(tmp_path / "home")
    set_up(home)
    return home


def as_anyone():
    """Return the command prefix that drops root's right to write anywhere."""
    return (
        ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    )


def command(home, *arguments, state):
    program = str(Path(sys.executable).parent / "afterclose")
    return subprocess.run(
        [*as_anyone(), program, "kill-switch", *arguments, "--home", str(home.root)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


# issue 10, line 2
def test_fault_117_processes_that_trip_and_reset_at_once_never_lose_a_trip(home):
    wanted = [("trip", "ann"), ("trip", "bea"), ("reset", "cid"), ("reset", "dan")]
    processes = [
        subprocess.Popen([sys.executable, "-c", MANY_TIMES, str(home.root), what, name])
        for what, name in wanted
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]

    switch = read_switch(home)

    assert {trip.event.reason for trip in switch.trips if trip.event.by == "last"} == {"ann", "bea"}
    tripped = [event.reason for event in switch.events if event.state == "on"]
    assert sorted(tripped) == sorted(
        [f"{who}-{n}" for who in ("ann", "bea") for n in range(15)] + ["ann", "bea"]
    )
    assert verify(home).breaks == ()
    assert home.audit_log.read_text().count("kill_switch_tripped") == 32


# issue 10, line 2
def test_a_trip_that_arrives_between_a_look_and_the_reset_is_not_acknowledged(home):
    trip_switch(home, "check_day", "stale", NOON, cause="stale_data", session=FRIDAY)
    seen = [trip.name for trip in read_switch(home).trips]
    trip_switch(home, "Ann", "broker calls", NOON)

    switch = reset_switch(home, "Bea", "data is there", NOON, trips=seen)

    assert switch.is_on
    assert [trip.event.reason for trip in switch.trips] == ["broker calls"]


# issue 10, line 2
def test_a_reset_without_names_is_refused_while_several_trips_stand_and_lists_them(home):
    trip_switch(home, "check_day", "stale", NOON, cause="stale_data", session=FRIDAY)
    trip_switch(home, "check_day", "lost 4%", NOON, cause="daily_loss", session=FRIDAY)

    with pytest.raises(ConfigError, match=r"lost 4%.*--trip 1 --trip 2"):
        reset_switch(home, "Bea", "data is there", NOON)

    assert len(read_switch(home).trips) == 2


# issue 10, line 2
@given(st.sets(st.sampled_from(["stale_data", "daily_loss", "sharpe_ratio"]), min_size=1))
@settings(max_examples=10, deadline=None)
def test_a_reset_acknowledges_the_named_causes_and_no_other(tmp_path_factory, looked_into):
    home = Home(tmp_path_factory.mktemp("causes"))
    set_up(home)
    causes = ["stale_data", "daily_loss", "sharpe_ratio"]
    for cause in causes:
        trip_switch(home, "check_day", cause, NOON, cause=cause, session=FRIDAY)
    names = [trip.name for trip in read_switch(home).trips if trip.event.cause in looked_into]

    switch = reset_switch(home, "Bea", "looked into", NOON, trips=names)

    assert {trip.event.cause for trip in switch.trips} == set(causes) - looked_into
    assert {cause for cause in causes if switch.acknowledged_through(cause) == FRIDAY} == looked_into


# issue 10, line 2
def test_a_reset_of_what_does_not_stand_is_refused(home):
    trip_switch(home, "Ann", "nervous", NOON)

    with pytest.raises(ConfigError, match="no trip 7"):
        reset_switch(home, "Bea", "why", NOON, trips=["7"])

    assert read_switch(home).is_on


def test_a_reset_of_another_trip_leaves_the_stop_file(home):
    trip_switch(home, "Ann", "nervous", NOON)
    home.stop_file.touch()

    assert reset_switch(home, "Bea", "calm", NOON, trips=["1"]).is_on
    assert home.stop_file.exists()


def test_a_reset_written_before_trips_had_names_ended_all_before_it():
    old = b"""{"state": "clear", "by": "Ada", "reason": "fine", "at": "2024-06-14T16:00:00+00:00", "session": null,
    "history": [{"state": "on", "by": "x", "reason": "loss", "at": "2024-06-14T15:00:00+00:00", "session": null},
    {"state": "clear", "by": "Ada", "reason": "fine", "at": "2024-06-14T16:00:00+00:00", "session": null}]}"""

    assert not kill_switch.parse_switch(old).is_on
    assert kill_switch.parse_switch(old.replace(b'"state": "clear"', b'"state": "on"', 1)).is_on


# issue 10, line 2
def test_the_switch_can_be_tripped_and_reset_while_a_run_holds_the_home(home):
    with exclusive(home.lock_file, doing="daily-live"):
        trip_switch(home, "Ann", "nervous", NOON)
        assert read_switch(home).is_on
        assert not reset_switch(home, "Ann", "calm", NOON).is_on


# issue 10, line 2
def test_a_process_that_hangs_with_the_switch_in_its_hands_does_not_keep_others_from_halting(
    home, monkeypatch
):
    monkeypatch.setattr(kill_switch, "LOCK_WAIT_S", 0.05)
    home.kill_switch_lock.touch()
    with home.kill_switch_lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        switch = trip_switch(home, "Ann", "nervous", NOON)

    assert switch.is_on
    assert home.stop_file.exists()
    assert "live/STOP" in switch.problems[0]
    assert "docs/runbooks.md" not in switch.problems[0]  # what happened, not the remedy of the lock


# issue 10, line 2
def test_on_a_read_only_home_a_trip_halts_outside_it_and_daily_sees_it(ready_home, tmp_path):
    home = Home(ready_home)
    for folder in (home.root / "data", home.live, home.root):
        folder.chmod(0o500)
    try:
        tripped = command(home, "trip", "--by", "Ann", "--reason", "broker calls", state=tmp_path)
        status = command(home, "status", state=tmp_path)
    finally:
        for folder in (home.root, home.root / "data", home.live):
            folder.chmod(0o700)
    blocked = afterclose("daily", "--date", str(LAST_SESSION), home=home.root, HOME=str(tmp_path))

    assert tripped.returncode == 0, tripped.stderr
    assert "Unexpected error" not in tripped.stderr
    assert ".local/state/afterclose/halts" in tripped.stdout
    assert "broker calls" in status.stdout
    assert blocked.returncode == 3
    assert "broker calls" in blocked.stderr
    assert "afterclose kill-switch reset --home" in blocked.stderr
    assert not home.day_folder(LAST_SESSION).exists()

    said = ("--trip", read_name(status.stdout), "--by", "Bea", "--reason", "ok")
    assert afterclose("kill-switch", "reset", *said, home=home.root, HOME=str(tmp_path)).returncode == 0
    cleared = afterclose("kill-switch", "status", home=home.root, HOME=str(tmp_path))
    assert "clear" in cleared.stdout


def read_name(text):
    return next(word for word in text.split() if word.startswith("outside-"))


# issue 10, line 2
def test_on_a_full_disk_a_trip_halts_by_a_file_without_content(home):
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "import sys; from flows.cli.app import answer; sys.exit(answer(sys.argv[1:]))"
    )
    arguments = ["kill-switch", "trip", "--by", "Ann", "--reason", "why", "--home", str(home.root)]

    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "live/STOP" in result.stdout
    assert read_switch(home).is_on


# issue 10, line 2
def test_where_nothing_can_be_written_a_trip_says_what_to_do_by_hand(home, monkeypatch):
    monkeypatch.setattr(halts_outside, "outside_folder", lambda _: None)
    home.kill_switch_lock.unlink(missing_ok=True)
    home.kill_switch_lock.mkdir()
    home.kill_switch_file.unlink()
    home.live.rmdir()
    home.live.write_text("not a folder")

    with pytest.raises(StorageError, match="stop the schedule"):
        trip_switch(home, "Ann", "nervous", NOON)


# issue 10, line 2
def test_a_home_of_another_user_is_not_halted_where_that_user_does_not_look(home, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: home.root.stat().st_uid + 1)

    assert halts_outside.write_outside(home, {}) is None


# issue 10, part 2
def test_a_log_that_cannot_be_written_prevents_no_halt(home):
    home.audit_log.mkdir()

    switch = trip_switch(home, "Ann", "nervous", NOON)

    assert switch.is_on
    assert kill_switch.parse_switch(home.kill_switch_file.read_bytes()).event.reason == "nervous"
    assert "no row for it" in switch.problems[0]


# issue 10, part 2
def test_nothing_is_reset_that_cannot_be_logged(home):
    trip_switch(home, "Ann", "nervous", NOON)
    home.audit_log.unlink()
    home.audit_log.mkdir()

    with pytest.raises(StorageError):
        reset_switch(home, "Ann", "calm", NOON)

    assert read_switch(home).is_on


# issue 10, line 2
def test_the_blocked_message_ends_with_the_command_that_resets_what_stands(ready_home):
    afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "broker calls", home=ready_home)

    result = afterclose("daily", "--date", str(LAST_SESSION), home=ready_home)

    assert result.returncode == 3
    said = reset_command(Home(ready_home), read_switch(Home(ready_home)))
    assert f"kill-switch reset --home {ready_home} --trip 1 --by NAME --reason TEXT" in said
    assert said in result.stderr


@given(st.binary(max_size=80))
@settings(max_examples=30, deadline=None)
def test_a_file_outside_the_home_halts_whatever_it_holds(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("outside")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder / "state"))
        home = Home(folder / "home")
        set_up(home)
        kept = halts_outside.write_outside(home, {})
        kept.write_bytes(content)

        assert read_switch(home).is_on
        assert not read_switch(home).allows_reductions


@pytest.fixture
def archive(home, tmp_path):
    """Return an archive of the home from a day on which nothing halted it."""
    return backups.back_up(home, tmp_path / "vault", lake=home.lake, at=NOON).path


def restored(home, archive):
    ended = afterclose("data", "restore", str(archive), "--replace", home=home.root)
    assert ended.returncode == 0, ended.stderr
    return read_switch(home)


def test_a_restore_ends_no_halt(home, archive):
    trip_switch(home, "Ann", "the broker calls", NOON)

    switch = restored(home, archive)

    assert switch.is_on
    assert not switch.allows_reductions
    assert "Ann" in home.stop_file.read_text()


def test_a_restore_leaves_a_stop_by_hand(home, archive):
    home.stop_file.touch()

    assert restored(home, archive).is_on


def test_a_trip_in_the_last_moment_of_a_restore_stands(home, archive, monkeypatch):
    exchange = backups.put_in_place

    def tripped(new, path):
        exchange(new, path)
        if path == home.marker_file:
            trip_switch(home, "Ann", "now", NOON)

    monkeypatch.setattr(backups, "put_in_place", tripped)

    assert restored(home, archive).is_on


def test_a_restore_brings_back_a_switch_that_is_gone(home, archive):
    home.kill_switch_file.unlink()

    assert not restored(home, archive).is_on


def test_the_mark_of_an_interrupted_restore_goes_with_the_next(home, archive, monkeypatch):
    def dies(new, path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(backups, "put_in_place", dies)
        with pytest.raises(KeyboardInterrupt):
            backups.restore(home, archive, replace=True)
    assert home.stop_file.read_text() == INTERRUPTED

    assert not restored(home, archive).is_on


def test_a_stop_by_hand_while_a_restore_goes_on_stands(home, archive, monkeypatch):
    exchange = backups.put_in_place

    def stopped(new, path):
        exchange(new, path)
        if path == home.marker_file:
            home.stop_file.touch()

    monkeypatch.setattr(backups, "put_in_place", stopped)

    assert restored(home, archive).is_on
