from datetime import UTC, datetime

import pytest

from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.safety.audit import record
from tasks.safety.flow_permissions import (
    FLOW_NAMES,
    FlowNotPermittedError,
    read_permits,
    refuse_continuing,
    refuse_start,
    set_permission,
)

AT = datetime(2024, 6, 14, 21, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    place = Home(tmp_path)
    place.live.mkdir()
    place.lake.parent.mkdir()
    return place


def give(home, flow, permission, reason="holiday"):
    return set_permission(home, flow, permission, by="Jane Doe", reason=reason, at=AT)


def test_every_flow_may_run_until_a_person_says_otherwise(home):
    for flow in FLOW_NAMES:
        refuse_start(home, flow)
        refuse_continuing(home, flow)


def test_no_run_refuses_the_next_start_and_leaves_a_running_flow_alone(home):
    give(home, "daily-live", "no-run")

    with pytest.raises(
        FlowNotPermittedError, match=r"daily-live does not start: .*no-run \(set by Jane Doe .*: holiday"
    ):
        refuse_start(home, "daily-live")
    refuse_continuing(home, "daily-live")
    refuse_start(home, "execute-approved")


def test_stop_ends_a_running_flow_too(home):
    give(home, "weekly-champion", "stop")

    with pytest.raises(FlowNotPermittedError, match="does not start"):
        refuse_start(home, "weekly-champion")
    with pytest.raises(FlowNotPermittedError, match="was stopped before it finished"):
        refuse_continuing(home, "weekly-champion")


def test_rows_about_something_else_hide_no_permission(home):
    for _ in range(2):
        record(home, event="kill_switch_tripped", by="x", detail="a loss", at=AT)
        give(home, "daily-live", "no-run")

    (permit,) = (one for one in read_permits(home) if one.flow == "daily-live")

    assert permit.description == "no-run (set by Jane Doe at 2024-06-14T17:00:00-04:00: holiday)"


def test_the_last_word_counts_and_all_means_every_flow(home):
    give(home, "daily-live", "no-run")
    give(home, "all", "stop")
    permits = give(home, "daily-live", "run", reason="back: from holiday")

    assert {one.flow: one.permission for one in permits} == dict.fromkeys(FLOW_NAMES, "stop") | {
        "daily-live": "run"
    }
    assert permits[0].reason == "back: from holiday"
    assert read_permits(home) == permits


def test_a_broken_log_still_answers(home):
    give(home, "daily-live", "no-run")
    home.audit_log.write_text(home.audit_log.read_text() + "a torn ro")

    with pytest.raises(FlowNotPermittedError):
        refuse_start(home, "daily-live")


def test_a_row_that_cannot_be_read_lets_nothing_run(home):
    record(home, event="flow_permission", by="x", detail="daily-live perhaps: later", at=AT)

    with pytest.raises(SafetyError, match="cannot be read"):
        refuse_start(home, "intraday-monitor")


@pytest.mark.parametrize("flow", ["daily", "Daily-live", "", "ALL"])
def test_a_row_about_a_flow_that_is_not_known_lets_nothing_run(home, flow):
    record(home, event="flow_permission", by="x", detail=f"{flow} stop: later", at=AT)

    with pytest.raises(SafetyError, match="cannot be read"):
        read_permits(home)


def test_what_is_refused_is_not_logged(home):
    with pytest.raises(ConfigError, match=r"'daily' is not a flow\."):
        give(home, "daily", "stop")

    refuse_start(home, "daily-live")
    assert not home.audit_log.exists()


@pytest.mark.parametrize(("flow", "by", "reason"), [("daily", "J", "x"), ("all", " ", "x"), ("all", "J", "")])
def test_an_unknown_flow_or_an_unnamed_person_is_refused(home, flow, by, reason):
    with pytest.raises(ConfigError):
        set_permission(home, flow, "stop", by=by, reason=reason, at=AT)
