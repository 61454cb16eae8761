"""Who may approve and what was decided, from the rows of the audit log."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tasks.approval.approval_log import (
    ADDED,
    APPROVED,
    REJECTED,
    REVISED,
    REVOKED,
    UNANSWERED,
    Approver,
    approved_detail,
    approver_detail,
    approvers_in,
    decisions_about,
    rejected_detail,
    revised_detail,
    revoked_signer,
    unanswered_detail,
)
from tasks.safety.audit import Row

DAY, OTHER = date(2024, 6, 14), date(2024, 6, 13)
KEY, SECOND = "a" * 64, "b" * 64


def row(event, detail, *, by="Root", at="2024-06-14T18:00:00-04:00"):
    return Row(at, event, by, detail)


def added(name="Ann Lee", key=KEY):
    return row(ADDED, approver_detail(name, key, "set-up"))


def revoked(name="Ann Lee", key=KEY):
    return row(REVOKED, approver_detail(name, key, "left"))


def approved(digest, day=DAY):
    return row(APPROVED, approved_detail(day, digest, signatures=1, persons=1))


def rejected(reason="odd", day=DAY, by="Bob"):
    return row(REJECTED, rejected_detail(day, "c" * 64, reason), by=by)


def test_an_approver_is_valid_until_revoked_and_never_again():
    assert [one.is_revoked for one in approvers_in([added()])] == [False]
    assert [one.is_revoked for one in approvers_in([added(), revoked(), added()])] == [True]


def test_a_revoked_approver_is_known_with_who_added_and_who_revoked_the_key_and_when():
    later = row(REVOKED, approver_detail("Ann Lee", KEY, "left"), by="Bob", at="2024-06-15T09:00:00-04:00")

    (one,) = approvers_in([added(), later])

    assert one == Approver("Ann Lee", KEY, added().at, "Root", "2024-06-15T09:00:00-04:00", "Bob")


def test_a_row_of_another_event_revokes_nobody_whatever_it_states():
    (one,) = approvers_in([added(), row("kill_switch_tripped", revoked().detail)])

    assert not one.is_revoked


def test_the_first_row_of_a_key_counts():
    (one,) = approvers_in([added("Ann Lee"), added("Eve Ray")])

    assert one.name == "Ann Lee"


def test_a_revocation_before_the_addition_changes_nothing():
    assert [one.is_revoked for one in approvers_in([revoked(), added()])] == [False]


def test_rows_of_other_events_or_forms_are_not_approvers():
    rows = [
        row("kill_switch_tripped", approver_detail("Ann Lee", KEY, "x")),
        row(ADDED, "key abc, Ann Lee: x"),
        row(ADDED, approver_detail("=Ann", KEY, "x")),
        row(ADDED, approver_detail("Ann Lee", KEY.upper(), "x")),
        row(ADDED, f" key {KEY}, Ann Lee: x"),
    ]

    assert approvers_in(rows) == ()


def test_a_reason_cannot_pass_for_another_name_or_key():
    (one,) = approvers_in([row(ADDED, approver_detail("Ann Lee", KEY, f"key {SECOND}, Eve Ray: x"))])

    assert (one.name, one.key) == ("Ann Lee", KEY)


def test_the_last_approval_counts_and_a_rejection_voids_what_was_before():
    assert decisions_about(DAY, [approved("1" * 64), approved("2" * 64)]).approval_sha256 == "2" * 64
    assert decisions_about(DAY, [approved("1" * 64), rejected()]).approval_sha256 == ""
    after = decisions_about(DAY, [rejected("first"), rejected("second"), approved("3" * 64)])
    assert (after.rejection.reason, after.approval_sha256) == ("second", "3" * 64)


def test_decisions_about_other_sessions_do_not_count():
    assert decisions_about(DAY, [approved("1" * 64, OTHER), rejected(day=OTHER)]) == decisions_about(DAY, [])


def test_a_rejection_is_named_by_who_and_when():
    assert decisions_about(DAY, [rejected()]).rejection.name == "Bob, 2024-06-14T18:00:00-04:00"


def revised(day=DAY):
    return row(REVISED, revised_detail(day, 1, "d" * 64, changes="halved COMS", reason="earnings"))


def unanswered(digest):
    return row(UNANSWERED, unanswered_detail(DAY, digest, "c" * 64, sales=1, lapsed=1))


def test_a_revision_leaves_the_decision_to_a_person_and_voids_no_approval():
    assert decisions_about(DAY, [revised()]).is_revised
    assert not decisions_about(DAY, [revised(OTHER)]).is_revised
    assert decisions_about(DAY, [revised(), approved("1" * 64)]).approval_sha256 == "1" * 64
    assert decisions_about(DAY, [revised(), rejected()]).is_revised
    assert decisions_about(DAY, [revised(), unanswered("2" * 64)]).approval_sha256 == ""


def test_an_approval_takes_the_place_of_the_policy():
    decided = decisions_about(DAY, [unanswered("2" * 64), approved("1" * 64)])

    assert (decided.approval_sha256, decided.is_unanswered) == ("1" * 64, False)


def test_no_person_answered_only_if_the_log_has_nothing_but_the_signature_stored():
    nobody = decisions_about(DAY, [])
    assert nobody.leaves_unanswered("")
    assert decisions_about(DAY, [approved("1" * 64)]).leaves_unanswered("1" * 64)  # one of two
    assert decisions_about(DAY, [unanswered("2" * 64)]).leaves_unanswered("")
    for rows in ([approved("1" * 64)], [rejected()], [revised()], [unanswered("2" * 64), revised()]):
        assert not decisions_about(DAY, rows).leaves_unanswered("")
    assert not decisions_about(DAY, [approved("1" * 64), approved("3" * 64)]).leaves_unanswered("1" * 64)


def test_a_reason_of_a_rejection_cannot_pass_for_an_approval():
    rows = [rejected(approved_detail(DAY, "4" * 64, signatures=1, persons=1))]

    assert decisions_about(DAY, rows).approval_sha256 == ""


@given(st.lists(st.sampled_from(["approve", "reject", "approve another day"]), max_size=8))
def test_an_approval_counts_only_if_no_rejection_follows_it(acts):
    rows = [
        {
            "approve": approved(f"{number:064x}"),
            "reject": rejected(f"r{number}"),
            "approve another day": approved("f" * 64, OTHER),
        }[act]
        for number, act in enumerate(acts)
    ]
    own = [(number, act) for number, act in enumerate(acts) if act != "approve another day"]

    found = decisions_about(DAY, rows)

    last_is_approval = bool(own) and own[-1][1] == "approve"
    assert found.approval_sha256 == (f"{own[-1][0]:064x}" if last_is_approval else "")
    assert (found.rejection is not None) == any(act == "reject" for _, act in own)


def by_ann(one):
    return one._replace(by="Ann Lee")


def test_the_row_of_the_policy_counts_what_is_executed_and_what_lapses():
    one, two = (unanswered_detail(DAY, "1" * 64, "2" * 64, sales=count, lapsed=count) for count in (1, 2))

    assert one.endswith(", 1 sell is executed, 1 buy lapses")
    assert two.endswith(", 2 sells are executed, 2 buys lapse")


def test_who_signed_and_was_revoked_afterwards_is_named_whatever_is_decided_about_other_sessions():
    signed = [added(), by_ann(approved("1" * 64))]
    why = "Ann Lee was revoked as an approver by Root: left"

    assert revoked_signer(DAY, signed) == ""
    assert revoked_signer(DAY, [*signed, revoked()]) == why
    assert revoked_signer(DAY, [*signed, rejected(day=OTHER), revoked()]) == why
    assert revoked_signer(DAY, [*signed, by_ann(approved("2" * 64, OTHER)), revoked()]) == why


def test_who_did_not_sign_this_approval_is_not_named_as_its_revoked_signer():
    signed = [added(), by_ann(approved("1" * 64))]

    assert revoked_signer(OTHER, [*signed, revoked()]) == ""
    assert revoked_signer(DAY, [*signed, revoked("Bo Ray", SECOND)]) == ""
    assert revoked_signer(DAY, [*signed, rejected(), revoked()]) == ""  # that approval is void already
    assert revoked_signer(DAY, [added(), revoked(), added(key=SECOND), *signed[1:]]) == ""  # with another key
    assert revoked_signer(DAY, [*signed, row(REVOKED, "Ann Lee")]) == ""
    assert revoked_signer(DAY, [*signed, row("kill_switch_tripped", revoked().detail)]) == ""
