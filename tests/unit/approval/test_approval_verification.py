"""The limits of time, and who counts as an approver."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.approval.decisions import examine, make_signature, read_requirements
from tasks.approval.encoding import render_record
from tasks.approval.keys import create_key, public_key
from tasks.approval.schema import Approval
from tasks.approval.store import read_day
from tasks.approval.verification import CLOCK_TOLERANCE, Stored, verify
from tasks.core.errors import SafetyError
from tests.approval_days import EVENING, OPEN, add_person, make_home, sign_day

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def approved(tmp_path_factory):
    run = make_home(tmp_path_factory.mktemp("approved") / "home")
    sign_day(run, add_person(run))
    return Stored(*read_day(run.home, run.session)), read_requirements(run, EVENING)


def reason_of(stored, requirements):
    with pytest.raises(SafetyError) as caught:
        verify(stored, requirements)
    return caught.value.fields["reason"]


def test_an_approval_holds_from_its_signature_until_just_before_the_open(approved):
    stored, requirements = approved

    for at in (EVENING, EVENING - CLOCK_TOLERANCE, OPEN - SECOND):
        assert verify(stored, replace(requirements, at=at)).approvers == ("Ann Lee",)
    assert reason_of(stored, replace(requirements, at=EVENING - CLOCK_TOLERANCE - SECOND)) == "time"
    assert reason_of(stored, replace(requirements, at=OPEN)) == "expired"


def test_a_signature_counts_from_the_close_of_the_session(approved):
    stored, requirements = approved
    session = requirements.session

    assert verify(stored, replace(requirements, session=replace(session, closes_at=EVENING)))
    later = replace(session, closes_at=EVENING + SECOND)
    assert reason_of(stored, replace(requirements, session=later)) == "time"
    assert reason_of(stored, replace(requirements, session=replace(session, closes_at=None))) == "time"


def test_only_an_approver_of_that_name_and_key_counts(approved):
    stored, requirements = approved
    (ann,) = requirements.approvers

    assert reason_of(stored, replace(requirements, approvers=())) == "approver"
    assert reason_of(stored, replace(requirements, approvers=(replace(ann, name="Bob Ray"),))) == "approver"
    assert reason_of(stored, replace(requirements, approvers=(replace(ann, key="0" * 64),))) == "approver"
    revoked = replace(ann, revoked_at="2024-06-14T18:00:00-04:00", revoked_by="Root")
    assert reason_of(stored, replace(requirements, approvers=(revoked,))) == "revoked"


def test_two_keys_of_one_name_are_one_person(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    ann = add_person(run)
    sign_day(run, ann)
    proposal, second = examine(run, EVENING), create_key()
    other = make_signature(proposal, ann.name, second, reason="")
    both = Approval(envelope=proposal.envelope, signatures=(*proposal.approval.signatures, other))
    known = (ann.approver, replace(ann.approver, key=public_key(second)))
    stored = replace(Stored(*read_day(run.home, run.session)), approval=render_record(both))

    assert reason_of(stored, replace(proposal.requirements, approvers=known)) == "persons"


def test_what_is_returned_is_what_was_checked(approved):
    stored, requirements = approved

    found = verify(stored, requirements)

    assert (found.trades, found.manifest) == (stored.files["trades.csv"], stored.manifest)
    assert found.approval_sha256 == requirements.decisions.approval_sha256
