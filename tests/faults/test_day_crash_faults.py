"""A day is killed, or loses its disk, at write boundaries; what was there stays, a rerun gives the undisturbed day."""

import json
import os
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
    make_ready_home,
    run_day,
    tree_bytes,
)

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
def undisturbed(server, ready_home_template, tmp_path_factory):
    home = copy_of(ready_home_template, tmp_path_factory.mktemp("undisturbed") / "home")
    outcome = server.live_through("run", home)
    assert outcome["ended"] == "done", outcome
    return outcome["boundaries"], day_bytes(home), tree_bytes(home / "live")


def spread(points, count):
    """Choose `count` of the points, first and last among them."""
    return sorted({1 + round(i * (points - 1) / (count - 1)) for i in range(count)})


def check_kill(server, undisturbed, template, folder, point):
    _, files, _ = undisturbed
    home = copy_of(template, folder)

    outcome = server.live_through("kill", home, point)

    assert outcome == {"ended": "killed", "signal": signal.SIGKILL}, outcome
    day = home / "live" / str(LAST_SESSION)
    assert not day.exists() or day_bytes(home) == files, f"half a day after point {point}"
    assert server.live_through("run", home)["ended"] == "done"
    assert day_bytes(home) == files, f"another day after point {point}"
    assert_no_leftovers(home)


def check_failing_disk(server, undisturbed, template, folder, mode, point):
    _, files, _ = undisturbed
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
    server, undisturbed, ready_home_template, tmp_path, part
):
    point = spread(undisturbed[0], 4)[part]

    check_kill(server, undisturbed, ready_home_template, tmp_path / "home", point)


@pytest.mark.prove
def test_fault_050_a_kill_at_every_write_boundary_leaves_old_or_whole(
    server, undisturbed, ready_home_template, tmp_path
):
    for point in range(1, undisturbed[0] + 1):
        check_kill(server, undisturbed, ready_home_template, tmp_path / str(point), point)


@pytest.mark.parametrize(("mode", "part"), [("full", 1), ("fsync", 2)])
def test_faults_051_052_a_failing_disk_keeps_what_was_there(
    server, undisturbed, ready_home_template, tmp_path, mode, part
):
    point = spread(undisturbed[0], 4)[part]

    check_failing_disk(server, undisturbed, ready_home_template, tmp_path / "home", mode, point)


@pytest.mark.prove
@pytest.mark.parametrize("mode", ["full", "fsync"])
def test_faults_051_052_a_disk_that_fails_at_any_write_keeps_what_was_there(
    server, undisturbed, ready_home_template, tmp_path, mode
):
    for point in range(1, undisturbed[0] + 1):
        check_failing_disk(server, undisturbed, ready_home_template, tmp_path / str(point), mode, point)


def daily_command(home):
    program = str(Path(sys.executable).parent / "afterclose")
    return [program, "--home", str(home), "daily", "--date", str(LAST_SESSION)]


def daily_process(home):
    return subprocess.Popen(daily_command(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_kill_at(moment_s, home, files):
    process = daily_process(home)
    time.sleep(moment_s)
    process.kill()
    process.wait()

    day = home / "live" / str(LAST_SESSION)
    assert not day.exists() or day_bytes(home) == files
    run_day(home)
    assert day_bytes(home) == files


def test_killing_the_command_in_the_middle_and_running_it_again_gives_the_same_day(
    undisturbed, ready_home_template, tmp_path
):
    check_kill_at(2.5, copy_of(ready_home_template, tmp_path / "home"), undisturbed[1])


@pytest.mark.prove
def test_killing_the_command_at_any_moment_and_running_it_again_gives_the_same_day(
    undisturbed, ready_home_template, tmp_path
):
    started = time.monotonic()
    assert daily_process(copy_of(ready_home_template, tmp_path / "timed")).wait() == 0
    whole_s = time.monotonic() - started
    moments = random.Random(8)

    for index in range(30):
        home = copy_of(ready_home_template, tmp_path / str(index))
        check_kill_at(moments.uniform(0.3, whole_s), home, undisturbed[1])


def test_fault_053_a_read_only_live_folder_is_named_and_nothing_changes(ready_home):
    before = tree_bytes(ready_home / "live")
    (ready_home / "live").chmod(0o500)
    as_anyone = (
        ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    )

    try:
        result = subprocess.run(
            [*as_anyone, *daily_command(ready_home)], capture_output=True, text=True, check=False
        )
    finally:
        (ready_home / "live").chmod(0o700)

    assert result.returncode == 1
    assert "Permission denied" in result.stderr
    assert "live" in result.stderr
    assert tree_bytes(ready_home / "live") == before


def test_fault_056_of_two_days_at_once_one_wins_and_the_other_says_so(undisturbed, ready_home):
    processes = [
        subprocess.Popen(
            daily_command(ready_home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    messages = {}
    for process in processes:
        _, stderr = process.communicate()
        messages[process.returncode] = stderr

    assert messages.keys() == {0, 75}
    assert "in use by process" in messages[75]
    assert day_bytes(ready_home) == undisturbed[1]


def test_an_earlier_day_is_not_touched_by_a_later_one(begun_home):
    before = tree_bytes(begun_home / "live" / str(SESSION_BEFORE))

    run_day(begun_home, LAST_SESSION)

    assert tree_bytes(begun_home / "live" / str(SESSION_BEFORE)) == before


def test_running_a_date_again_gives_the_same_bytes(ready_home, undisturbed):
    run_day(ready_home)
    first = day_bytes(ready_home)

    run_day(ready_home)

    assert first == day_bytes(ready_home) == undisturbed[1]


def test_two_homes_with_the_same_seed_give_the_same_day(ready_home, undisturbed, tmp_path):
    other = make_ready_home(tmp_path / "a home elsewhere")
    run_day(other)

    assert day_bytes(other) == undisturbed[1]
