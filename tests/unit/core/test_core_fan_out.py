import os
import signal

import pytest

from tasks.core.errors import DataError, TransientError
from tasks.core.fan_out import fan_out


def square(number, report):
    for _ in range(number):
        report(1)
    return number * number


def fail_on_three(number, report):
    if number == 3:
        raise DataError("Three is too many.", remedy="Take two.", count=3)
    return number


def killed_on_three(number, report):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_every_item_is_done_once_and_its_progress_is_reported(processes):
    reported = []

    results = list(fan_out(square, range(5), processes=processes, report=reported.append))

    assert sorted(results) == [0, 1, 4, 9, 16]
    assert sum(reported) == 10


@pytest.mark.parametrize("processes", [1, 2])
def test_the_error_of_an_item_is_raised_with_all_its_parts(processes):
    with pytest.raises(DataError) as raised:
        list(fan_out(fail_on_three, range(5), processes=processes, report=lambda _: None))

    assert (raised.value.what, raised.value.remedy) == ("Three is too many.", "Take two.")
    assert raised.value.fields == {"count": 3}


def test_a_killed_worker_is_an_error_and_not_a_wait_without_end():
    with pytest.raises(TransientError, match="worker process was killed"):
        list(fan_out(killed_on_three, range(5), processes=2, report=lambda _: None))


def test_no_item_starts_no_process():
    assert list(fan_out(square, [], processes=2, report=lambda _: None)) == []
