"""The no-answer policy: what it covers, what binds it, and everything that it must not override; Z2."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.approval.approval_log import REVISED, UNANSWERED, revised_detail
from tasks.approval.decisions import (
    add_signature,
    examine,
    make_signature,
    read_requirements,
    reject_day,
    revoke_approver,
)
from tasks.approval.plans.audit import record_plan
from tasks.approval.task import apply_no_answer, authorize_execution
from tasks.approval.unanswered import POLICY, is_covered, is_due
from tasks.core.errors import SafetyError
from tasks.execution.before_sending.approved_day import read_approved_day
from tasks.execution.start import new_execution, objection_to
from tasks.safety.audit import HEADS, read_intact, record
from tasks.safety.kill_switch.switch import trip_switch
from tests.approval_days import EVENING, OPEN, TRADE_ROWS, add_person, folder_of, make_home, publish, sign_day

DUE = OPEN - timedelta(minutes=60)
ON = {"execution.no_answer": "reductions"}


def recorded(run, at=EVENING):
    record_plan(run, (folder_of(run) / "manifest.json").read_bytes(), at)
    return run


@pytest.fixture
def run(tmp_path):
    return recorded(make_home(tmp_path / "home", **ON))


def reason_of(run, at=DUE):
    with pytest.raises(SafetyError) as caught:
        authorize_execution(run, at)
    return caught.value.fields["reason"]


def applied(run, at=DUE):
    covered = authorize_execution(run, at)
    apply_no_answer(run, covered, at)
    return covered


def test_only_the_sales_are_covered_from_an_hour_before_the_open_until_the_open(run):
    covered = authorize_execution(run, DUE)

    assert [(line.symbol, line.side) for line in covered.envelope.lines] == [("AAPL", "SELL")]
    assert (covered.approvers, covered.lapsed) == ((POLICY,), 1)
    assert covered.trades == (folder_of(run) / "trades.csv").read_bytes()
    assert covered.manifest == (folder_of(run) / "manifest.json").read_bytes()
    assert reason_of(run, DUE - timedelta(seconds=1)) == "missing"
    assert authorize_execution(run, OPEN - timedelta(seconds=1)).by_policy
    assert reason_of(run, OPEN) == "missing"
    assert is_due(run.home, run.settings, run.session, DUE)
    assert not is_due(run.home, run.settings, run.session, OPEN)


def test_a_log_of_plans_with_a_copy_of_its_head_outside_the_home_is_read_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv(HEADS, str(tmp_path / "heads"))
    run = recorded(make_home(tmp_path / "home", **ON))

    assert authorize_execution(run, DUE).by_policy
    (tmp_path / "heads.plans").unlink()
    with pytest.raises(SafetyError, match="log of plans is not intact"):
        authorize_execution(run, DUE)


def test_without_the_setting_nothing_goes_without_an_answer(tmp_path):
    run = recorded(make_home(tmp_path / "home"))

    assert reason_of(run) == "missing"
    assert not is_due(run.home, run.settings, run.session, DUE)


def test_the_log_names_the_policy_in_place_of_a_person_and_the_execution_holds_only_what_it_covers(run):
    covered = applied(run)

    (row,) = [row for row in read_intact(run.home) if row.event == UNANSWERED]
    assert row.by == POLICY
    assert f"no answer {covered.approval_sha256}" in row.detail
    assert "1 sell is executed, 1 buy lapses" in row.detail
    execution = new_execution(covered, DUE)
    assert [line.side for line in execution.lines] == ["SELL"]
    assert objection_to(run.home, execution) == ""
    day = read_approved_day(run.home, run.session, execution.approval_sha256)
    assert [line.side for line in day.terms.lines] == ["SELL"]


def test_what_was_applied_once_is_the_same_after_a_crash_and_logged_once(run):
    covered = applied(run)
    (folder_of(run) / "no_answer.json").unlink()  # killed between the row and the file

    assert applied(run, DUE + timedelta(minutes=5)) == covered
    assert [row.event for row in read_intact(run.home)].count(UNANSWERED) == 1


def test_a_rejected_day_never_goes(run):
    reject_day(run, "Bob", "odd", EVENING)

    assert reason_of(run) == "rejected"
    assert not is_due(run.home, run.settings, run.session, DUE)


def test_a_rejection_after_the_policy_applied_ends_it_for_good(run):
    covered = applied(run)
    reject_day(run, "Bob", "odd", DUE)

    assert "rejected by Bob" in objection_to(run.home, new_execution(covered, DUE))
    assert reason_of(run) == "rejected"
    assert not (folder_of(run) / "no_answer.json").exists()


def test_a_rejection_that_is_logged_first_voids_a_row_of_the_policy_that_comes_after_it(run):
    covered = authorize_execution(run, DUE)
    reject_day(run, "Bob", "odd", DUE)

    with pytest.raises(SafetyError) as caught:
        apply_no_answer(run, covered, DUE)
    assert caught.value.fields["reason"] == "decided"
    assert not read_requirements(run, DUE).decisions.is_unanswered


def test_an_approval_is_what_counts_where_there_is_one(run):
    sign_day(run, add_person(run))

    approved = authorize_execution(run, DUE)

    assert (approved.approvers, approved.by_policy) == (("Ann Lee",), b"")
    assert [line.side for line in approved.envelope.lines] == ["SELL", "BUY"]


def test_an_approval_whose_file_is_lost_is_an_answer_all_the_same(run):
    sign_day(run, add_person(run))
    (folder_of(run) / "approval.json").unlink()

    with pytest.raises(SafetyError, match=r"the audit log has an approval, but approval\.json is missing"):
        authorize_execution(run, DUE)
    assert not is_due(run.home, run.settings, run.session, DUE)


def test_an_earlier_signature_put_back_does_not_undo_the_second(tmp_path):
    run = recorded(make_home(tmp_path / "home", **{**ON, "approval.persons": 2}))
    sign_day(run, add_person(run))
    alone = (folder_of(run) / "approval.json").read_bytes()
    sign_day(run, add_person(run, "Bo Ray"))
    (folder_of(run) / "approval.json").write_bytes(alone)

    assert reason_of(run) == "persons"


def test_a_revision_in_the_log_is_an_answer_though_its_folder_is_gone(run):
    covered = authorize_execution(run, DUE)
    detail = revised_detail(run.session.day, 1, "d" * 64, changes="halved AAPL", reason="earnings")
    record(run.home, event=REVISED, by="Ann Lee", detail=detail, at=EVENING)

    assert reason_of(run) == "missing"
    assert not is_due(run.home, run.settings, run.session, DUE)
    with pytest.raises(SafetyError) as caught:
        apply_no_answer(run, covered, DUE)
    assert caught.value.fields["reason"] == "decided"


def test_nothing_goes_without_an_answer_while_the_audit_log_is_damaged(run):
    sign_day(run, add_person(run))
    (folder_of(run) / "approval.json").unlink()
    *kept, _approval = run.home.audit_log.read_bytes().splitlines(keepends=True)
    run.home.audit_log.write_bytes(b"".join(kept))

    with pytest.raises(SafetyError, match="audit log is not intact"):
        authorize_execution(run, DUE)
    with pytest.raises(SafetyError, match="audit log is not intact"):
        is_due(run.home, run.settings, run.session, DUE)


def test_nobody_approves_once_the_policy_applies(run):
    ann = add_person(run)
    signature = make_signature(examine(run, DUE), ann.name, ann.private, reason="")
    applied(run)

    with pytest.raises(SafetyError) as caught:
        add_signature(run, signature, DUE)
    assert caught.value.fields["reason"] == "decided"


def test_one_signature_of_two_is_not_an_answer(tmp_path):
    run = recorded(make_home(tmp_path / "home", **{**ON, "approval.persons": 2}))
    sign_day(run, add_person(run))

    assert [line.side for line in applied(run).envelope.lines] == ["SELL"]


def test_one_signature_of_two_under_another_list_is_an_answer(tmp_path):
    """Ann signed what was published first; nobody is known to want what was published after it."""
    run = recorded(make_home(tmp_path / "home", **{**ON, "approval.persons": 2}))
    sign_day(run, add_person(run))
    publish(run, TRADE_ROWS[:1])
    recorded(run)

    assert reason_of(run) == "terms"


def test_one_signature_of_two_by_a_person_who_was_revoked_is_not_support_of_the_policy(tmp_path):
    run = recorded(make_home(tmp_path / "home", **{**ON, "approval.persons": 2}))
    sign_day(run, add_person(run))
    revoke_approver(run.home, "Ann Lee", "Root", "left", EVENING)

    assert reason_of(run) == "revoked"


def test_the_policy_applies_to_the_list_that_was_checked_and_no_other(run):
    """The day is published again between the check and the row in the log."""
    covered = authorize_execution(run, DUE)
    publish(run, (TRADE_ROWS[0].replace("SELL,100,", "SELL,150,"), *TRADE_ROWS[1:]))
    recorded(run)
    assert authorize_execution(run, DUE).approval_sha256 != covered.approval_sha256

    with pytest.raises(SafetyError) as caught:
        apply_no_answer(run, covered, DUE)

    assert caught.value.fields["reason"] == "decided"
    assert not (folder_of(run) / "no_answer.json").exists()
    assert UNANSWERED not in {row.event for row in read_intact(run.home)}


def test_only_the_digest_of_what_the_policy_covers_is_covered(run):
    assert not is_covered(run.home, run.session, "0" * 64)

    covered = applied(run)

    assert is_covered(run.home, run.session, covered.approval_sha256)
    assert not is_covered(run.home, run.session, "0" * 64)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda run: publish(run, TRADE_ROWS[:1]), "log"),  # another plan than the recorded one
        (lambda run: run.home.plan_log.unlink(), None),  # the log's anchor remains: damaged
        (
            lambda run: run.home.positions_file.write_text("symbol,shares\nAAPL,150\nCASH,960000\n"),
            "positions",
        ),
        (lambda run: (folder_of(run) / "trades.csv").write_bytes(b""), "trades"),
        (lambda run: trip_switch(run.home, "Ann", "looks wrong", DUE), "halted"),
        (lambda run: recorded(run, DUE), "time"),  # published anew too late for anybody to answer
        (lambda run: (folder_of(run) / "revisions").mkdir(), "missing"),  # somebody is at it
    ],
)
def test_whatever_would_void_an_approval_voids_the_policy(run, spoil, reason):
    spoil(run)

    with pytest.raises(SafetyError) as caught:
        authorize_execution(run, DUE)
    assert caught.value.fields.get("reason") == reason


def test_a_policy_that_was_switched_on_after_the_day_was_published_does_not_hold(tmp_path):
    """The digest of the settings in the manifest binds it, and the recorded plan states it."""
    run = recorded(make_home(tmp_path / "home"))
    execution = run.settings.execution.model_copy(update={"no_answer": "reductions"})
    later = replace(run, settings=run.settings.model_copy(update={"execution": execution}))
    assert reason_of(later) == "config"

    publish(later)  # with the new settings, recorded under the old ones
    recorded(run)
    assert reason_of(later) == "config"


def test_only_the_plan_that_was_recorded_last_counts(run):
    """The day was run again with other trades, and then the files of before were put back."""
    record_plan(run, b"{}", EVENING)

    assert reason_of(run) == "log"


def test_a_day_without_sales_has_nothing_to_let_go(tmp_path):
    run = make_home(tmp_path / "home", **ON)
    publish(run, TRADE_ROWS[1:])

    assert reason_of(recorded(run)) == "missing"


@pytest.mark.parametrize("position", range(0, 900, 53))
def test_every_changed_byte_of_what_the_policy_covers_is_found(run, position):
    covered = applied(run)
    path = folder_of(run) / "no_answer.json"
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1
    path.write_bytes(content)

    with pytest.raises(SafetyError) as caught:
        read_approved_day(run.home, run.session, covered.approval_sha256)
    assert caught.value.fields["reason"] == "approval"
