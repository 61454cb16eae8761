"""A day's bytes are compared with the plan that the log recorded; A4."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.approval.approval_log import approved_detail
from tasks.approval.plans.audit import check_plans, record_plan
from tasks.approval.plans.recorded import plans_of, recorded_detail
from tasks.approval.store import write_approval
from tasks.core.ids import sha256_of_bytes
from tasks.safety.audit import read_intact, record
from tests.approval_days import EVENING, OPEN, add_person, folder_of, make_home, publish, sign_day
from tests.unit.approval.test_approval_revision import revise, sign


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def recorded(run, at=EVENING):
    record_plan(run, (folder_of(run) / "manifest.json").read_bytes(), at)


def found(run):
    (check,) = check_plans(run.home, read_intact(run.home, log="plans"), read_intact(run.home))
    return check


def test_a_day_whose_manifest_was_recorded_before_the_open_is_fixed_and_when(run):
    recorded(run)
    sign_day(run, add_person(run), at=EVENING + timedelta(hours=1))

    check = found(run)

    assert (check.session, check.state, check.recorded_at) == (run.session.day, "recorded", EVENING)
    assert check.approved_at == EVENING + timedelta(hours=1)


@pytest.mark.parametrize(("at", "state"), [(OPEN - timedelta(seconds=1), "recorded"), (OPEN, "late")])
def test_what_was_recorded_from_the_open_on_is_late(run, at, state):
    recorded(run, at)

    assert found(run).state == state


def test_a_day_without_a_row_is_stated_as_not_recorded(run):
    sign_day(run, add_person(run))

    check = found(run)

    assert (check.session, check.state, check.recorded_at) == (run.session.day, "unrecorded", None)
    assert (check.approved_at, check.why) == (EVENING, "no plan was recorded")


def test_a_row_of_another_event_records_no_plan_whatever_it_states(run):
    manifest = sha256_of_bytes((folder_of(run) / "manifest.json").read_bytes())
    detail = recorded_detail(run.session.day, manifest, "nothing")
    record(run.home, event="log_accepted", by="Eve", detail=detail, at=EVENING, log="plans")

    assert found(run).state == "unrecorded"


def test_a_day_published_anew_with_its_digests_after_its_plan_was_recorded_is_changed(run):
    recorded(run)
    publish(run, ["AAPL,SELL,150,200.0000,30000.00,-0.03,0.00,1.50,REDUCE,score fell,,MARKET"])

    assert (found(run).state, found(run).why) == ("changed", "manifest.json is not one that was recorded")


@pytest.mark.parametrize("name", ["trades.csv", "report.html", "signals.json", "manifest.json"])
def test_every_edited_file_is_found(run, name):
    recorded(run)
    path = folder_of(run) / name
    path.write_bytes(path.read_bytes() + b" ")

    assert (found(run).session, found(run).state) == (run.session.day, "changed")
    assert found(run).why


def test_a_day_that_cannot_be_read_is_changed_and_why(run):
    recorded(run)
    (folder_of(run) / "manifest.json").unlink()

    assert found(run).state == "changed"
    assert "has no manifest.json" in found(run).why


def test_an_approval_that_was_never_logged_is_changed(run):
    recorded(run)
    (folder_of(run) / "approval.json").write_bytes(b"{}")
    (folder_of(run) / "approval.json").chmod(0o640)

    check = found(run)

    assert (check.session, check.state) == (run.session.day, "changed")
    assert check.why == "approval.json is not one that was recorded"


def test_an_approval_that_a_row_of_another_event_states_is_changed(run):
    recorded(run)
    write_approval(run.home, run.session, b"{}")
    detail = approved_detail(run.session.day, sha256_of_bytes(b"{}"), signatures=1, persons=1)
    record(run.home, event="kill_switch_tripped", by="Eve", detail=detail, at=EVENING)

    assert (found(run).state, found(run).approved_at) == ("changed", None)


def test_a_day_with_an_approved_revision_is_compared_as_it_was_published(run):
    recorded(run)
    revise(run)
    sign(run, add_person(run), 1)

    assert (found(run).state, found(run).approved_at) == ("recorded", EVENING)


def test_a_recorded_day_whose_folder_is_gone_is_stated(run):
    recorded(run)
    folder_of(run).rename(run.home.root / "away")

    check = found(run)

    assert (check.session, check.state) == (run.session.day, "absent")
    assert check.why == "its directory is missing"


def test_the_row_states_the_policy_and_the_last_plan_is_the_last_row(run):
    recorded(run)
    reductions = run.settings.execution.model_copy(update={"no_answer": "reductions"})
    changed = replace(run, settings=run.settings.model_copy(update={"execution": reductions}))
    record_plan(changed, b"other", datetime(2024, 6, 15, tzinfo=UTC))

    plans = plans_of(run.session.day, read_intact(run.home, log="plans"))

    assert [plan.no_answer for plan in plans] == ["nothing", "reductions"]
    assert plans[-1].manifest_sha256 == sha256_of_bytes(b"other")
    assert found(run).state == "recorded"
