"""The state of the decision about a day, as a page or a list shows it."""

from datetime import timedelta

import pytest

from tasks.approval.decisions import reject_day
from tasks.approval.standing import read_standing
from tests.approval_days import EVENING, OPEN, add_person, folder_of, make_home, publish, sign_day
from tests.unit.approval.test_approval_revision import revise


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def test_a_day_that_nobody_decided_is_open_with_what_a_signature_would_cover(run):
    add_person(run)

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable, found.revision) == ("open", True, 0)
    assert [line.symbol for line in found.envelope.lines] == ["AAPL", "MSFT"]
    assert found.day.session == run.session.day
    assert (found.signed_by, found.approvers, found.rejection, found.lost) == ((), ("Ann Lee",), None, None)


def test_a_signed_day_is_approved_by_its_signer(run):
    sign_day(run, add_person(run))

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable, found.signed_by) == ("approved", False, ("Ann Lee",))
    assert found.lost is None


def test_one_signature_of_two_is_incomplete(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    sign_day(run, add_person(run))

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable, found.signed_by) == ("incomplete", True, ("Ann Lee",))


def test_a_rejected_day_names_who_rejected_it_and_may_be_overruled(run):
    reject_day(run, "Bob", "odd", EVENING)

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable, found.rejection.by) == ("rejected", True, "Bob")


def test_a_day_without_trades_is_empty(run):
    publish(run, ())

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable) == ("empty", False)


def test_a_day_whose_execution_began_is_executed(run):
    sign_day(run, add_person(run))
    (folder_of(run) / "execution.json").write_text("{}")

    found = read_standing(run, EVENING)

    assert (found.state, found.envelope, found.signed_by) == ("executed", None, ("Ann Lee",))
    assert found.day.session == run.session.day


def test_a_day_in_execution_names_who_had_rejected_it(run):
    reject_day(run, "Bob", "odd", EVENING)
    sign_day(run, add_person(run), reason="the prices are right")
    (folder_of(run) / "execution.json").write_text("{}")

    found = read_standing(run, EVENING)

    assert (found.state, found.rejection.by, found.approvers) == ("executed", "Bob", ("Ann Lee",))


def test_an_approval_that_has_expired_refuses_the_day_and_still_shows_it(run):
    sign_day(run, add_person(run))

    found = read_standing(run, OPEN + timedelta(seconds=1))

    assert (found.state, found.envelope, found.signed_by) == ("refused", None, ())
    assert found.day.session == run.session.day
    assert found.approvers == ("Ann Lee",)
    assert found.refusal.fields["reason"] == "expired"


def test_a_rejected_day_that_can_no_longer_be_approved_still_names_who_rejected_it(run):
    reject_day(run, "Bob", "odd", EVENING)

    found = read_standing(run, OPEN)

    assert (found.state, found.rejection.by) == ("refused", "Bob")


def test_a_revision_is_shown_as_it_would_be_signed(run):
    revise(run)

    found, late = (read_standing(run, at, revision=1) for at in (EVENING, OPEN))

    assert (found.state, found.revision, found.envelope.revision) == ("open", 1, 1)
    assert (late.state, late.revision) == ("refused", 1)


def test_a_damaged_audit_log_refuses_the_day_and_still_shows_it(run):
    add_person(run)
    log = run.home.audit_log
    log.write_text(log.read_text().replace("Ann Lee", "Eve Lee"))

    found = read_standing(run, EVENING)

    assert (found.state, found.is_signable, found.approvers) == ("refused", False, ())
    assert found.day.session == run.session.day
    assert "not intact" in found.refusal.what


def test_an_edited_day_cannot_be_read(run):
    path = folder_of(run) / "trades.csv"
    path.write_bytes(path.read_bytes() + b" ")

    found = read_standing(run, EVENING)

    assert (found.state, found.day, found.refusal.fields["reason"]) == ("unreadable", None, "trades")


def test_an_approval_whose_file_is_lost_is_stated(run):
    sign_day(run, add_person(run))
    (folder_of(run) / "approval.json").unlink()

    found = read_standing(run, EVENING)

    assert (found.state, found.lost is not None) == ("open", True)
