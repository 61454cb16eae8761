"""A day is killed, or loses its disk, at write boundaries; what was there stays, a rerun gives the undisturbed day."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    copy_of,
    day_bytes,
    make_trained_home,
    run_day,
    tree_bytes,
)

pytestmark = pytest.mark.slice

ROOT = Path(__file__).parents[2]


class CrashServer:
    """The program that lives through days; see crash_points."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash_points"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def live_through(self, mode, home, point=0):
        (outcome,) = self.outcomes(mode, home, point)
        return outcome

    def outcomes(self, mode, home, point=0):
        self.process.stdin.write(json.dumps([mode, str(home), point]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server():
    program = CrashServer()
    yield program
    program.close()


@pytest.fixture(scope="module")
def undisturbed_home(server, trained_home_template, tmp_path_factory):
    """A home with the day that nothing disturbed. Read-only: tests copy it."""
    home = copy_of(trained_home_template, tmp_path_factory.mktemp("undisturbed") / "home")
    outcome = server.live_through("run", home)
    assert outcome["ended"] == "done", outcome
    return home, outcome["boundaries"]


@pytest.fixture(scope="module")
def undisturbed(undisturbed_home):
    home, boundaries = undisturbed_home
    return boundaries, day_bytes(home)


def spread(points, count):
    """Choose `count` of the points, first and last among them."""
    return sorted({1 + round(i * (points - 1) / (count - 1)) for i in range(count)})


def check_kill(server, undisturbed, template, folder, point):
    _, files = undisturbed
    home = copy_of(template, folder)

    outcome = server.live_through("kill", home, point)

    assert outcome == {"ended": "killed", "signal": signal.SIGKILL}, outcome
    day = home / "live" / str(LAST_SESSION)
    assert not day.exists() or day_bytes(home) == files, f"half a day after point {point}"
    assert server.live_through("run", home)["ended"] == "done"
    assert day_bytes(home) == files, f"another day after point {point}"
    assert_no_leftovers(home)


def check_failing_disk(server, undisturbed, template, folder, mode, point):
    _, files = undisturbed
    home = copy_of(template, folder)

    outcome = server.live_through(mode, home, point)

    day = home / "live" / str(LAST_SESSION)
    assert outcome["ended"] in {"StorageError", "done"}, outcome
    assert not day.exists() or day_bytes(home) == files, f"half a day after {mode} at {point}"
    assert server.live_through("run", home)["ended"] == "done"
    assert day_bytes(home) == files
    assert_no_leftovers(home)


def assert_no_leftovers(home):
    assert list(home.rglob(".*.partial")) == []


@pytest.mark.parametrize("part", [1, 3])
def test_fault_050_a_kill_at_a_write_boundary_leaves_old_or_whole(
    server, undisturbed, trained_home_template, tmp_path, part
):
    point = spread(undisturbed[0], 4)[part]

    check_kill(server, undisturbed, trained_home_template, tmp_path / "home", point)


@pytest.mark.prove
def test_fault_050_a_kill_at_every_write_boundary_leaves_old_or_whole(
    server, undisturbed, trained_home_template, tmp_path
):
    for point in range(1, undisturbed[0] + 1):
        check_kill(server, undisturbed, trained_home_template, tmp_path / str(point), point)


@pytest.mark.parametrize(("mode", "part"), [("full", 1), ("fsync", 2)])
def test_faults_051_052_a_failing_disk_keeps_what_was_there(
    server, undisturbed, trained_home_template, tmp_path, mode, part
):
    point = spread(undisturbed[0], 4)[part]

    check_failing_disk(server, undisturbed, trained_home_template, tmp_path / "home", mode, point)


@pytest.mark.prove
@pytest.mark.parametrize("mode", ["full", "fsync"])
def test_faults_051_052_a_disk_that_fails_at_any_write_keeps_what_was_there(
    server, undisturbed, trained_home_template, tmp_path, mode
):
    for point in range(1, undisturbed[0] + 1):
        check_failing_disk(server, undisturbed, trained_home_template, tmp_path / str(point), mode, point)


def daily_process(home):
    program = str(Path(sys.executable).parent / "afterclose")
    return subprocess.Popen(
        [program, "--home", str(home), "daily", "--date", str(LAST_SESSION)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def check_kill_at(moment_s, home, files):
    process = daily_process(home)
    time.sleep(moment_s)
    process.kill()
    process.wait()

    day = home / "live" / str(LAST_SESSION)
    assert not day.exists() or day_bytes(home) == files
    run_day(home)
    assert day_bytes(home) == files


@pytest.mark.prove
def test_killing_the_command_at_any_moment_and_running_it_again_gives_the_same_day(
    undisturbed, trained_home_template, tmp_path
):
    started = time.monotonic()
    assert daily_process(copy_of(trained_home_template, tmp_path / "timed")).wait() == 0
    whole_s = time.monotonic() - started
    moments = random.Random(8)

    for index in range(30):
        home = copy_of(trained_home_template, tmp_path / str(index))
        check_kill_at(moments.uniform(0.3, whole_s), home, undisturbed[1])


def test_fault_053_a_read_only_live_folder_is_named_and_nothing_changes(server, ready_home):
    before = tree_bytes(ready_home / "live")
    (ready_home / "live").chmod(0o500)

    try:
        outcome = server.live_through("user", ready_home)
    finally:
        (ready_home / "live").chmod(0o700)

    assert outcome["ended"] == "StorageError", outcome
    assert outcome["exit_code"] == 1
    assert "Permission denied" in outcome["message"]
    assert str(ready_home / "live") in outcome["message"]
    assert tree_bytes(ready_home / "live") == before


def test_fault_056_of_two_days_at_once_one_wins_and_the_other_says_so(server, undisturbed, ready_home):
    lost, won = sorted(server.outcomes("twice", ready_home), key=lambda outcome: outcome["ended"] == "done")

    assert won["ended"] == "done", won
    assert lost["exit_code"] == 75, lost
    assert "in use by" in lost["message"]
    assert day_bytes(ready_home) == undisturbed[1]


def test_an_earlier_day_is_not_touched_by_a_later_one(begun_home):
    before = tree_bytes(begun_home / "live" / str(SESSION_BEFORE))

    run_day(begun_home, LAST_SESSION)

    assert tree_bytes(begun_home / "live" / str(SESSION_BEFORE)) == before


def test_the_first_day_run_again_finds_the_files_it_wrote_and_gives_the_same_bytes(
    undisturbed_home, undisturbed, tmp_path
):
    home = copy_of(undisturbed_home[0], tmp_path / "home")
    assert (home / "live" / "current_positions.csv").exists()

    run_day(home)

    assert day_bytes(home) == undisturbed[1]


def test_two_homes_with_the_same_seed_give_the_same_day(undisturbed, tmp_path):
    other = make_trained_home(tmp_path / "a home elsewhere")
    run_day(other)

    assert day_bytes(other) == undisturbed[1]
