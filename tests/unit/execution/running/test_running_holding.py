"""The portfolio's lock is free while an execution waits, and held again afterwards."""

import pytest

from tasks.core.errors import TransientError
from tasks.core.homes.lock import exclusive
from tasks.execution.running.holding import Holding


def take(path):
    with exclusive(path, doing="fills add"):
        pass


def test_a_wait_gives_the_lock_back_and_takes_it_again(tmp_path):
    path = tmp_path / "portfolio.lock"
    slept = []

    def sleep(seconds):
        take(path)
        slept.append(seconds)

    with Holding(path, doing="execute") as holding:
        holding.given_back(sleep)(5.0)
        with pytest.raises(TransientError, match="execute"):
            take(path)
    take(path)
    assert slept == [5.0]


def test_a_lock_that_another_process_keeps_ends_the_wait_with_an_error(tmp_path):
    path = tmp_path / "portfolio.lock"
    other = exclusive(path, doing="fills import")

    with (
        Holding(path, doing="execute", longest_s=0.0) as holding,
        pytest.raises(TransientError, match="fills import"),
    ):
        holding.given_back(lambda seconds: other.__enter__())(1.0)

    other.__exit__(None, None, None)
    take(path)
