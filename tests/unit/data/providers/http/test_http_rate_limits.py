"""Rate limits and repeated requests of the providers in the network."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from config.data_section import Network, RateLimit
from tasks.core.errors import ConfigError, StorageError, TransientError
from tasks.data.providers.http.rate_limits import ATTEMPTS, RateLimiter, with_retries

PATIENT = Network(max_request_s=120, max_refresh_s=3600)
NOON = datetime(2024, 6, 14, 12, tzinfo=UTC)


class Deadline:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.time = NOON
        self.slept = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(round(seconds, 3))
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def watch():
    return Deadline()


@pytest.fixture
def turns(tmp_path, watch):
    def make(provider="alpaca", network=PATIENT, **limits):
        rate_limit = RateLimit(**{"second": None, "minute": None, "hour": None, "day": None, **limits})
        made = RateLimiter(
            tmp_path / "data" / "requests.sqlite", provider, rate_limit, network, clock=watch.now
        )
        made.sleep = watch.sleep
        return made

    return make


def test_a_turn_beyond_the_limit_waits_until_the_first_is_a_span_ago(turns, watch):
    three = turns(second=2)

    for _ in range(5):
        three.acquire()

    assert watch.slept == pytest.approx([1.0, 1.0], abs=0.002)


def test_every_span_is_kept_at_once(turns, watch):
    taken = turns(second=2, minute=3)

    for _ in range(4):
        taken.acquire()

    assert sum(watch.slept) == pytest.approx(60, abs=0.01)


def test_limits_are_each_providers_own(turns, watch):
    turns("alpaca", minute=1).acquire()
    turns("tiingo", minute=1).acquire()

    assert watch.slept == []


def test_no_limit_leaves_no_file(turns, tmp_path):
    turns().acquire()

    assert list(tmp_path.iterdir()) == []


def test_a_wait_that_is_too_long_is_an_error_with_its_length(turns, watch):
    hourly = turns("tiingo", hour=1, day=5)
    hourly.acquire()

    with pytest.raises(
        TransientError,
        match=r"of tiingo \(1 per hour, 5 per day\) is exhausted; the next request is possible in 60 minutes",
    ):
        hourly.acquire()
    assert watch.slept == []


def test_two_processes_share_one_limit(tmp_path):
    file = tmp_path / "requests.sqlite"
    code = (
        "import sys; from pathlib import Path; from config.data_section import Network, RateLimit;"
        "from tasks.core.errors import TransientError; from tasks.data.providers.http.rate_limits import RateLimiter;"
        "turns = RateLimiter(Path(sys.argv[1]), 'alpaca', RateLimit(second=None, minute=None, hour=10, day=None),"
        "Network(max_request_s=120, max_refresh_s=3600));"
        "taken = 0\n"
        "try:\n"
        "    while True: turns.acquire(); taken += 1\n"
        "except TransientError: print(taken)"
    )

    both = [
        subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    assert sum(int(one.communicate(timeout=60)[0]) for one in both) == 10


def test_a_damaged_count_is_named(turns, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "requests.sqlite").write_bytes(b"no database" * 100)

    with pytest.raises(StorageError, match=r"requests\.sqlite could not be used: DatabaseError") as caught:
        turns(minute=1).acquire()
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


# issue 10, line 20
def test_a_refresh_that_takes_too_long_ends_and_names_the_setting(turns, watch):
    slow = turns(network=Network(max_request_s=120, max_refresh_s=600))
    slow.begin_refresh()

    def ask():
        watch.time += timedelta(seconds=250)

    for _ in range(3):
        with_retries(slow, ask)

    with pytest.raises(TransientError, match=r"within the 600 seconds of data\.network\.max_refresh_s"):
        with_retries(slow, ask)


# issue 10, line 20
def test_no_pause_lasts_beyond_the_end_of_the_refresh(turns, watch):
    slow = turns(network=Network(max_request_s=120, max_refresh_s=5))
    slow.begin_refresh()

    def ask():
        raise TransientError("Busy.", remedy="Wait.")

    with pytest.raises(TransientError, match="Busy"):
        with_retries(slow, ask)
    assert sum(watch.slept) < 5


def test_pauses_grow_and_end(turns, watch):
    def ask():
        raise TransientError("Busy.", remedy="Wait.")

    with pytest.raises(TransientError, match="Busy"):
        with_retries(turns(), ask)

    assert len(watch.slept) == ATTEMPTS - 1
    assert all(2**n <= pause <= 2**n + 1 for n, pause in enumerate(watch.slept))


def test_other_errors_are_not_repeated(turns, watch):
    def ask():
        raise ConfigError("No.", remedy="Fix.")

    with pytest.raises(ConfigError):
        with_retries(turns(), ask)

    assert watch.slept == []


def test_every_attempt_takes_a_turn(turns, watch):
    answers = iter([TransientError("Busy.", remedy="Wait."), "done"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert with_retries(turns(minute=1), ask) == "done"
    assert sum(watch.slept) == pytest.approx(60, abs=0.01)
