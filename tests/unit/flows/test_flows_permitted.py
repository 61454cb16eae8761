from datetime import UTC, datetime

import pytest

from flows.permitted import permitted, stoppable_sleep
from tasks.core.homes.home import Home
from tasks.core.stage import stage
from tasks.safety.flow_permissions import FlowNotPermittedError, set_permission


@stage()
def one_stage():
    return "done"


@pytest.fixture
def home(tmp_path):
    place = Home(tmp_path)
    place.live.mkdir()
    place.lake.parent.mkdir()
    return place


def give(home, permission):
    set_permission(home, "all", permission, by="Ann", reason="test", at=datetime(2024, 6, 14, tzinfo=UTC))


def test_a_flow_that_may_not_run_does_not_begin(home):
    give(home, "no-run")

    with pytest.raises(FlowNotPermittedError), permitted(home, "daily-live"):
        pytest.fail("it began")


def test_a_running_flow_ends_before_the_stage_after_it_was_stopped(home):
    with permitted(home, "daily-live"):
        assert one_stage() == "done"
        give(home, "no-run")
        assert one_stage() == "done"
        give(home, "stop")
        with pytest.raises(FlowNotPermittedError):
            one_stage()


def test_a_flow_that_waits_ends_when_it_is_stopped(home):
    slept = []
    sleep = stoppable_sleep(home, "execute-approved", slept.append)

    sleep(1.0)
    give(home, "stop")

    with pytest.raises(FlowNotPermittedError):
        sleep(2.0)
    assert slept == [1.0]
