from datetime import UTC, datetime, timedelta

import pytest

from tasks.approval.decisions import reject_day, revoke_approver
from tasks.approval.task import verify_approval
from tasks.core.errors import SafetyError
from tasks.execution.execution import Stage
from tasks.execution.running.objections import Objections
from tasks.execution.start import new_execution, objection_to
from tests.approval_days import EVENING, OPEN, add_person, make_home, publish, sign_day


@pytest.fixture
def run(tmp_path):
    run = make_home(tmp_path)
    sign_day(run, add_person(run))
    return run


def started(run, **fields):
    return new_execution(verify_approval(run, EVENING), EVENING, **fields)


def test_an_execution_holds_what_was_approved(run):
    execution = started(run)

    assert [(line.symbol, line.side, line.shares) for line in execution.lines] == [
        ("AAPL", "SELL", "100"),
        ("MSFT", "BUY", "40"),
    ]
    assert (execution.session, execution.fill_session) == (run.session.day, OPEN.date())
    assert execution.opens_at == execution.expires_at == OPEN
    assert execution.closes_at == execution.ends_at == OPEN + timedelta(hours=6, minutes=30)
    assert (execution.stage, execution.first_intent_at) == (Stage.ACTIVE, None)


def test_at_a_broker_that_fills_from_bars_it_ends_at_the_next_open(run):
    assert started(run, fills_from_bars=True).ends_at == datetime(2024, 6, 18, 13, 30, tzinfo=UTC)


def test_an_approval_that_holds_meets_no_objection(run):
    assert objection_to(run.home, started(run)) == ""


def test_positions_that_change_by_own_fills_are_not_an_objection(run):
    execution = started(run)
    run.home.positions_file.write_text("symbol,shares\nAAPL,100\nCASH,980000\n")

    assert objection_to(run.home, execution) == ""
    with pytest.raises(SafetyError):
        verify_approval(run, EVENING)


def test_a_signer_whose_key_is_revoked_afterwards_is_an_objection_also_with_a_new_key(run):
    execution, asked = started(run), Objections(run.home)
    add_person(run, "Bob Ray")
    revoke_approver(run.home, "Bob Ray", "Root", "left", EVENING)
    assert asked(execution) == objection_to(run.home, execution) == ""

    revoke_approver(run.home, "Ann Lee", "Root", "laptop lost", EVENING)
    add_person(run)

    assert asked(execution) == "Ann Lee was revoked as an approver by Root: laptop lost"


def test_the_log_is_read_again_only_once_it_has_changed(run, monkeypatch):
    execution, asked = started(run), Objections(run.home)
    assert asked(execution) == ""
    with monkeypatch.context() as patch:
        patch.setattr("tasks.execution.running.objections.objection_to", None)
        assert asked(execution) == ""

    reject_day(run, "Bob", "too much of one name", EVENING)

    assert "rejected by Bob" in asked(execution)


def test_a_rejection_is_an_objection(run):
    execution = started(run)
    reject_day(run, "Bob", "too much of one name", EVENING)

    assert "rejected by Bob: too much of one name" in objection_to(run.home, execution)


def test_fault_059_another_approval_is_an_objection(run):
    execution = started(run)
    reject_day(run, "Bob", "wait", EVENING)
    publish(run)
    sign_day(run, add_person(run, "Cy Doe"), reason="looked into it")

    assert "another approval" in objection_to(run.home, execution)


def test_fault_055_a_damaged_audit_log_is_an_objection(run):
    execution = started(run)
    run.home.audit_log.write_bytes(run.home.audit_log.read_bytes().replace(b"Ann", b"Eve"))

    assert objection_to(run.home, execution) != ""
