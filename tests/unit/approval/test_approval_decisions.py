"""What a person decides is logged first and survives a crash or another person's decision in between."""

from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.approval import decisions
from tasks.approval.approval_log import Approver, approver_detail, rejected_detail
from tasks.approval.decisions import (
    add_approver,
    add_signature,
    detached_signature,
    examine,
    list_approvers,
    make_signature,
    reject_day,
    revoke_approver,
)
from tasks.approval.encoding import render_detached
from tasks.approval.keys import create_key, public_key
from tasks.approval.store import WITHDRAWN
from tasks.approval.task import verify_approval
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.core.text import instant_text
from tasks.execution.journal import store_execution
from tasks.ledger.database import opened
from tasks.ledger.opening import Opening, begin_ledger
from tasks.safety.audit import read_intact
from tasks.safety.kill_switch.switch import trip_switch
from tests.approval_days import EVENING, TRADE_ROWS, add_person, folder_of, make_home, publish, sign_day
from tests.execution_days import make_execution


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def reason_of(call, *arguments):
    with pytest.raises(SafetyError) as caught:
        call(*arguments)
    return caught.value.fields["reason"]


class Killed(BaseException):
    """The process ends here."""


def test_fault_050_a_crash_between_the_log_and_the_file_approves_nothing_and_can_be_repeated(
    run, monkeypatch
):
    person = add_person(run)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "write_approval", killed)
        with pytest.raises(Killed):
            sign_day(run, person)
    assert reason_of(verify_approval, run, EVENING) == "missing"

    sign_day(run, person)

    assert verify_approval(run, EVENING).approvers == ("Ann Lee",)


def test_fault_050_a_crash_before_the_second_signature_is_stored_can_be_repeated(tmp_path, monkeypatch):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    ann, bob = add_person(run, "Ann Lee"), add_person(run, "Bob Ray")
    sign_day(run, ann)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "write_approval", killed)
        with pytest.raises(Killed):
            sign_day(run, bob)
    assert reason_of(verify_approval, run, EVENING) == "persons"

    sign_day(run, bob)

    assert verify_approval(run, EVENING).approvers == ("Ann Lee", "Bob Ray")


def test_fault_050_a_crash_between_a_rejection_and_the_file_leaves_the_day_rejected(run, monkeypatch):
    sign_day(run, add_person(run))

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "withdraw_approval", killed)
        with pytest.raises(Killed):
            reject_day(run, "Bob", "odd", EVENING)

    assert (folder_of(run) / "approval.json").exists()
    assert reason_of(verify_approval, run, EVENING) == "rejected"


def test_a_rejection_that_arrives_while_somebody_signs_is_not_lost(run, monkeypatch):
    person = add_person(run)
    record = decisions.record

    def rejected_just_before(home, **row):
        if row["event"] == decisions.APPROVED:
            reject_day(run, "Bob", "odd", EVENING)
        record(home, **row)

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "record", rejected_just_before)
        sign_day(run, person)

    assert reason_of(verify_approval, run, EVENING) == "rejected"


def test_a_key_revoked_while_its_owner_signs_approves_nothing(run, monkeypatch):
    person = add_person(run)
    signature = make_signature(examine(run, EVENING), person.name, person.private, reason="")
    revoke_approver(run.home, person.name, "Root", "left", EVENING)

    assert reason_of(add_signature, run, signature, EVENING) == "revoked"


def test_the_log_has_how_many_of_how_many_have_signed_and_whose_key_was_added_and_revoked_and_why(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    person = add_person(run)
    sign_day(run, person)
    revoke_approver(run.home, "Ann Lee", "Bob", "left  the\nfirm", EVENING)

    added, signed, revoked = read_intact(run.home)

    key = person.approver.key
    assert person.approver == Approver("Ann Lee", key, instant_text(EVENING - timedelta(days=1)), "Root")
    assert (added.by, added.detail) == ("Root", approver_detail("Ann Lee", key, "set-up"))
    assert (signed.by, signed.detail.partition(", ")[0]) == ("Ann Lee", "2024-06-14")
    assert signed.detail.endswith(", 1 of 2 signed")
    assert (revoked.by, revoked.detail) == ("Bob", approver_detail("Ann Lee", key, "left the firm"))


def test_a_signature_from_the_future_is_not_stored(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    person = add_person(run)
    late = EVENING + timedelta(minutes=5)
    signature = make_signature(examine(run, late), person.name, person.private, reason="")

    assert reason_of(add_signature, run, signature, EVENING) == "time"
    assert not (folder_of(run) / "approval.json").exists()


def test_a_second_signature_is_not_stored_while_the_first_one_is_from_the_future(tmp_path):
    """The clock was set back: once it has caught up, the day would be approved by a command that was refused."""
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    ann, bob = add_person(run, "Ann Lee"), add_person(run, "Bob Ray")
    late = EVENING + timedelta(minutes=5)
    sign_day(run, ann, at=late)

    assert reason_of(partial(sign_day, at=EVENING), run, bob) == "time"
    assert reason_of(verify_approval, run, late) == "persons"


def test_a_halt_that_allows_reductions_allows_a_day_of_sales_only(run):
    trip_switch(run.home, "safety", "loss", EVENING, cause="daily_loss")
    assert reason_of(examine, run, EVENING) == "halted"
    publish(run, TRADE_ROWS[:1])
    assert examine(run, EVENING).envelope.lines[0].side == "SELL"

    trip_switch(run.home, "Ann", "looks odd", EVENING)

    assert reason_of(examine, run, EVENING) == "halted"


def test_a_rejection_without_an_approval_and_a_second_one_are_logged(run):
    reject_day(run, "Bob", "odd", EVENING)
    (row,) = read_intact(run.home)
    manifest = (folder_of(run) / "manifest.json").read_bytes()
    assert row.detail == rejected_detail(run.session.day, sha256_of_bytes(manifest), "odd")
    reject_day(run, "Cem", "still odd", EVENING + timedelta(minutes=1))

    assert not (folder_of(run) / WITHDRAWN).exists()
    assert run.home.audit_log.read_text().count("day_rejected") == 2


def test_a_damaged_day_and_a_damaged_approval_can_be_rejected(run):
    (folder_of(run) / "manifest.json").unlink()
    (folder_of(run) / "manifest.json").symlink_to("/etc/passwd")
    (folder_of(run) / "approval.json").symlink_to("/etc/passwd")

    reject_day(run, "Bob", "damaged", EVENING)

    assert "manifest unreadable: damaged" in run.home.audit_log.read_text()
    assert not (folder_of(run) / "approval.json").exists()


def test_an_overruling_names_the_rejection_that_the_person_saw(run):
    person = add_person(run)
    reject_day(run, "Bob", "odd", EVENING)
    signature = make_signature(examine(run, EVENING), person.name, person.private, reason="looked at it")
    reject_day(run, "Cem", "wrong split", EVENING + timedelta(minutes=1))

    assert reason_of(add_signature, run, signature, EVENING + timedelta(minutes=2)) == "rejected"


@given(
    st.lists(
        st.sampled_from(["Ann signs", "Bob signs", "Ann overrules", "Bob overrules", "Cem rejects"]),
        max_size=7,
    ),
    st.sampled_from([1, 2]),
)
def test_a_day_is_approved_only_by_enough_persons_since_the_last_rejection(tmp_path_factory, acts, persons):
    run = make_home(tmp_path_factory.mktemp("acts") / "home", **{"approval.persons": persons})
    people = {name: add_person(run, f"{name} Lee") for name in ("Ann", "Bob")}
    signed: list[str] = []
    is_rejected = False
    for minute, act in enumerate(acts):
        who, what = act.split()
        at = EVENING + timedelta(minutes=minute)
        if what == "rejects":
            reject_day(run, who, "odd", at)
            signed, is_rejected = [], True
            continue
        reason = "confirmed" if what == "overrules" else ""
        if is_rejected == bool(reason):
            sign_day(run, people[who], at=at, reason=reason)
            if who not in signed and len(signed) < persons:
                signed.append(who)
        else:
            assert reason_of(partial(sign_day, run, people[who], at=at, reason=reason)) == "rejected"

    late = EVENING + timedelta(minutes=len(acts))
    if len(signed) == persons:
        assert verify_approval(run, late).approvers == tuple(f"{who} Lee" for who in signed)
    else:
        assert reason_of(verify_approval, run, late) in {"missing", "persons", "rejected"}


def test_an_approval_is_not_valid_while_the_kill_switch_is_on(run):
    sign_day(run, add_person(run))
    assert verify_approval(run, EVENING).approvers

    trip_switch(run.home, "Ann", "looks odd", EVENING)

    assert reason_of(verify_approval, run, EVENING) == "halted"


@pytest.mark.parametrize("name", ["", " Ann", "Ann\n", "Ann, Bo", "=Ann", "A" * 200, "Ann: Bo"])
def test_what_is_not_a_name_is_not_registered(run, name):
    """A colon or a comma would end the name within the row of the log."""
    before = read_intact(run.home)

    with pytest.raises(ConfigError, match="cannot be the name of an approver"):
        add_approver(run.home, name, public_key(create_key()), "Root", "set-up", EVENING)

    assert read_intact(run.home) == before


def test_who_signs_a_day_that_is_approved_already_changes_nothing(run):
    ann, bob = add_person(run, "Ann Lee"), add_person(run, "Bob Ray")
    approval = sign_day(run, ann)

    assert sign_day(run, bob) == approval
    assert verify_approval(run, EVENING).approvers == ("Ann Lee",)


def test_only_the_key_of_who_is_named_is_revoked(run):
    add_person(run, "Ann Lee")
    bob = add_person(run, "Bob Ray")

    revoked = revoke_approver(run.home, "Bob Ray", "Root", "left", EVENING)

    assert (revoked.name, revoked.key) == ("Bob Ray", bob.approver.key)
    with pytest.raises(ConfigError, match="'Bob Ray' has no valid key"):
        revoke_approver(run.home, "Bob Ray", "Root", "left", EVENING)

    assert {one.name: one.is_revoked for one in list_approvers(run.home)} == {
        "Ann Lee": False,
        "Bob Ray": True,
    }


def test_a_name_has_one_valid_key_and_may_have_another_once_it_is_revoked(run):
    add_person(run, "Ann Lee")
    for name in ("Ann Lee", "ann lee"):
        with pytest.raises(ConfigError, match="Ann Lee already has a key"):
            add_person(run, name)

    revoke_approver(run.home, "Ann Lee", "Root", "lost the key", EVENING)
    add_person(run, "Ann Lee")

    assert [one.is_revoked for one in list_approvers(run.home)] == [True, False]


def executed(run):
    """Store an execution of the day in the ledger, and nothing in its folder."""
    begin_ledger(run.home, Opening((), 1_000_00, run.session.day, "0" * 64), at=EVENING)
    with opened(run.home) as connection:
        store_execution(connection, make_execution(session=run.session.day))


def test_a_day_that_the_ledger_has_in_execution_is_not_rejected(run):
    executed(run)

    assert reason_of(reject_day, run, "Bob", "odd prices", EVENING) == "decided"
    assert not any(row.event == "day_rejected" for row in read_intact(run.home))


def test_a_lost_ledger_does_not_prevent_a_rejection(run):
    sign_day(run, add_person(run))
    executed(run)
    run.home.ledger_file.unlink()

    reject_day(run, "Bob", "odd prices", EVENING)

    assert (folder_of(run) / WITHDRAWN).exists()


def test_a_day_in_execution_is_not_approved(run):
    (folder_of(run) / "execution.json").write_text("{}")

    assert reason_of(examine, run, EVENING) == "decided"


def test_a_signature_made_elsewhere_counts_for_its_signer_and_the_trades_that_were_signed(run):
    person = add_person(run)
    proposal = examine(run, EVENING)
    signature = make_signature(proposal, person.name, person.private, reason="")
    text = render_detached(proposal.envelope, signature)

    assert detached_signature(proposal, "Ann Lee", text) == signature
    with pytest.raises(ConfigError, match="was not made by 'Bob Ray'"):
        detached_signature(proposal, "Bob Ray", text)
    with pytest.raises(ConfigError, match="cannot be used"):
        detached_signature(proposal, "Ann Lee", text[:-1])
    publish(run, TRADE_ROWS[:1])
    assert reason_of(detached_signature, examine(run, EVENING), "Ann Lee", text) == "signature"
