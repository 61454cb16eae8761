"""The kill switch holds to the last moment before a day is published."""

import logging

import pytest

from tasks.core.errors import SafetyError
from tests.homes import LAST_SESSION, run_day


class StopWhenChecked(logging.Handler):
    """Somebody creates live/STOP right after the day was checked."""

    def __init__(self, home):
        super().__init__()
        self.home = home

    def emit(self, record):
        if record.getMessage().startswith("check_day done"):
            (self.home / "live" / "STOP").touch()


def test_a_switch_that_is_tripped_after_the_checks_still_keeps_the_day_from_being_published(ready_home):
    stages = logging.getLogger("tasks.core.stage")
    stages.setLevel(logging.INFO)
    stop = StopWhenChecked(ready_home)
    stages.addHandler(stop)

    try:
        with pytest.raises(SafetyError, match="halted while it was written"):
            run_day(ready_home)
    finally:
        stages.removeHandler(stop)

    assert not (ready_home / "live" / str(LAST_SESSION)).exists()
