import os
import signal
from contextlib import suppress
from functools import partial

import pytest

from tasks.core.errors import DataError, TransientError
from tasks.core.spread.fan_out import fan_out, workers


def square(number, report):
    for _ in range(number):
        report(1)
    return number * number


def fail_on_three(number, report):
    if number == 3:
        raise DataError("Three is too many.", remedy="Take two.", count=3)
    return number


def killed_on_three(number, report):
    report(1)
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_once(marker, number, report):
    """Kill the worker of the third item, which has then reported a unit, unless that happened before."""
    report(1)
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number, os.getpid()


def process_of(number, report):
    return number, os.getpid()


class Unreadable:
    """Work that ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (1,)


def process_of_unless_new(marker):
    """Return work, but end the process that is the first to unpickle it."""
    with suppress(FileExistsError):
        marker.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    return process_of


class KilledOnce:
    """Work whose first worker is killed before it is ready."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return process_of_unless_new, (self.marker,)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_item_is_done_once_and_its_progress_is_reported(processes):
    reported = []

    results = list(fan_out(square, range(5), processes=processes, report=reported.append))

    assert results == [0, 1, 4, 9, 16]
    assert sum(reported) == 10


@pytest.mark.parametrize("processes", [1, 2])
def test_the_error_of_an_item_is_raised_with_all_its_parts(processes):
    with pytest.raises(DataError) as raised:
        list(fan_out(fail_on_three, range(5), processes=processes, report=lambda _: None))

    assert (raised.value.what, raised.value.remedy) == ("Three is too many.", "Take two.")
    assert raised.value.fields == {"count": 3}


def test_an_item_that_kills_every_worker_is_an_error_and_not_a_wait_without_end():
    with pytest.raises(TransientError, match="Worker processes were killed"):
        list(fan_out(killed_on_three, range(5), processes=2, report=lambda _: None))


def test_the_work_of_a_killed_worker_is_done_again_and_counted_once(tmp_path):
    marker, reported = tmp_path / "killed", []

    results = list(fan_out(partial(killed_once, marker), range(6), processes=2, report=reported.append))

    assert marker.exists()
    assert [number for number, _ in results] == list(range(6))
    assert sum(reported) == 6


def test_workers_that_cannot_start_are_an_error():
    with pytest.raises(TransientError, match="Worker processes were killed"):
        list(fan_out(Unreadable(), range(3), processes=2, report=lambda _: None))


def test_a_worker_that_is_killed_while_it_starts_is_replaced(tmp_path):
    marker = tmp_path / "killed"

    results = list(fan_out(KilledOnce(marker), range(6), processes=2, report=lambda _: None))

    assert marker.exists()
    assert [number for number, _ in results] == list(range(6))


@pytest.mark.parametrize(("processes", "threads"), [(2, 1), (1, 2), (1, 1)])
def test_workers_are_kept_for_the_next_items(processes, threads):
    with workers(process_of, processes=processes, threads=threads) as run:
        first, second = list(run([0, 1])), list(run([2, 3, 4]))

    assert [number for number, _ in first + second] == [0, 1, 2, 3, 4]
    assert len({process for _, process in first + second}) <= processes
    assert (os.getpid() in {process for _, process in first}) == (processes == 1)


def test_no_item_starts_no_process():
    assert list(fan_out(square, [], processes=2, report=lambda _: None)) == []
