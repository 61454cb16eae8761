"""An approval that was touched, or is for something else, is refused with the right reason."""

import json
import os
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.approval.decisions import (
    add_approver,
    add_signature,
    examine,
    make_signature,
    read_requirements,
    reject_day,
)
from tasks.approval.encoding import render_record
from tasks.approval.schema import Approval
from tasks.approval.store import read_day
from tasks.approval.task import verify_approval
from tasks.approval.verification import Stored, verify
from tasks.core.errors import SafetyError
from tasks.safety.audit import accept
from tests.approval_days import (
    EVENING,
    OPEN,
    TRADE_ROWS,
    add_person,
    folder_of,
    make_home,
    publish,
    sign_day,
    trades_csv,
)
from tests.builders import make_run

REASONS = {
    "approval.json": {"approval", "signature", "approver"},
    "trades.csv": {"trades"},
    "manifest.json": {"manifest"},
}


@pytest.fixture(scope="module")
def approved(tmp_path_factory):
    """An approved day: its bytes, and what they have to agree with."""
    run = make_home(tmp_path_factory.mktemp("approved") / "home")
    sign_day(run, add_person(run))
    return Stored(*read_day(run.home, run.session)), read_requirements(run, EVENING)


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def refused(call, *arguments) -> str:
    with pytest.raises(SafetyError) as caught:
        call(*arguments)
    assert caught.value.exit_code == 3
    return caught.value.fields["reason"]


def content(stored: Stored, name: str) -> bytes:
    return {"approval.json": stored.approval, "manifest.json": stored.manifest, **stored.files}[name]


def replaced(stored: Stored, name: str, new: bytes) -> Stored:
    approval = new if name == "approval.json" else stored.approval
    manifest = new if name == "manifest.json" else stored.manifest
    files = {**stored.files, name: new} if name in stored.files else stored.files
    return Stored(approval, manifest, files)


def refuse_each(approved, changes) -> int:
    """Change one byte at a time: (file, offset, bits to flip); return how many changes were tried."""
    stored, requirements = approved
    assert verify(stored, requirements).trades == stored.files["trades.csv"]
    for name, offset, bits in changes:
        old = content(stored, name)
        new = old[:offset] + bytes([old[offset] ^ bits]) + old[offset + 1 :]

        reason = refused(verify, replaced(stored, name, new), requirements)

        assert reason in REASONS[name], (name, offset, bits, reason)
    return len(changes)


def places(stored) -> list[tuple[str, int]]:
    return [(name, offset) for name in REASONS for offset in range(len(content(stored, name)))]


# issue 15, done-when 2
def test_fault_058_a_changed_byte_is_refused_for_what_it_changed(approved):
    chosen = random.Random(15)
    sample = chosen.sample(places(approved[0]), 200)

    assert refuse_each(approved, [(*place, chosen.randrange(1, 256)) for place in sample]) == 200


@pytest.mark.prove
def test_fault_058_every_flipped_bit_is_refused_for_what_it_changed(approved):
    """Every bit of the three files, one at a time."""
    flips = [(*place, 1 << bit) for place in places(approved[0]) for bit in range(8)]

    assert refuse_each(approved, flips) == len(flips) >= 2000


@given(data=st.data())
def test_fault_058_cut_extended_or_inserted_bytes_are_refused(approved, data):
    stored, requirements = approved
    name = data.draw(st.sampled_from(sorted(REASONS)))
    old = content(stored, name)
    start = data.draw(st.integers(0, len(old)))
    end = data.draw(st.integers(start, len(old)))
    new = old[:start] + data.draw(st.binary(max_size=8)) + old[end:]

    if new != old:
        assert refused(verify, replaced(stored, name, new), requirements) in REASONS[name]


@given(
    hostile=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_hostile_content_of_approval_json_is_refused(approved, hostile):
    stored, requirements = approved

    assert refused(verify, replaced(stored, "approval.json", hostile), requirements) == "approval"


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_in_approval_json_is_refused(approved, depth):
    stored, requirements = approved

    assert refused(verify, replaced(stored, "approval.json", b"[" * depth), requirements) == "approval"


def test_a_second_key_of_the_same_name_is_refused(approved):
    stored, requirements = approved
    twice = stored.approval.replace(b'"account": "paper"', b'"account": "other",\n    "account": "paper"')

    assert refused(verify, replaced(stored, "approval.json", twice), requirements) == "approval"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: (),
        lambda rows: (*rows, rows[0]),
        lambda rows: tuple(reversed(rows)),
        lambda rows: rows[:1],
    ],
    ids=["emptied", "doubled", "reordered", "shortened"],
)
def test_fault_064_rows_emptied_doubled_or_reordered_are_refused(approved, change):
    stored, requirements = approved
    new = trades_csv(*change(TRADE_ROWS))

    assert refused(verify, replaced(stored, "trades.csv", new), requirements) == "trades"


def test_fault_060_an_approval_holds_until_the_next_regular_open(run):
    sign_day(run, add_person(run))

    assert verify_approval(run, OPEN - timedelta(seconds=1)).approvers == ("Ann Lee",)
    assert refused(verify_approval, run, OPEN) == "expired"


@pytest.mark.parametrize(
    ("session", "opens"),
    [
        (date(2024, 3, 8), "2024-03-11T13:30:00+00:00"),  # the clocks change on the weekend
        (date(2024, 7, 3), "2024-07-05T13:30:00+00:00"),  # a half-day before a holiday
        (date(2024, 11, 27), "2024-11-29T14:30:00+00:00"),  # Thanksgiving, then a half-day
        (date(2024, 12, 31), "2025-01-02T14:30:00+00:00"),
        (date(2025, 1, 8), "2025-01-10T14:30:00+00:00"),  # closed on 9 January 2025
    ],
)
def test_fault_137_the_expiry_is_the_next_regular_open(tmp_path, session, opens):
    run = make_home(tmp_path / "home", session)

    assert examine(run, run.as_of).envelope.expires_at == opens


def test_fault_060_a_day_whose_time_is_over_cannot_be_approved(run):
    add_person(run)

    assert refused(examine, run, OPEN) == "expired"


def test_fault_061_yesterdays_approval_is_refused_for_another_session(run, tmp_path):
    sign_day(run, add_person(run))
    monday = make_run(tmp_path / "home", date(2024, 6, 17))
    publish(monday)
    (folder_of(monday) / "approval.json").write_bytes((folder_of(run) / "approval.json").read_bytes())
    (folder_of(monday) / "approval.json").chmod(0o640)

    assert refused(verify_approval, monday, monday.as_of) == "session"


def test_fault_061_a_whole_folder_of_another_session_is_refused(run, tmp_path):
    sign_day(run, add_person(run))
    monday = make_run(tmp_path / "home", date(2024, 6, 17))
    folder_of(run).rename(folder_of(monday))

    assert refused(verify_approval, monday, monday.as_of) == "session"


def test_fault_065_another_account_or_mode_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_AUDIT_KEY", "k" * 32)
    accept(run.home, by="Root", reason="a key was set", at=EVENING)
    sign_day(run, add_person(run))

    for reason, overrides in {
        "account": {"approval.account": "DU123"},
        "mode": {"approval.mode": "live"},
    }.items():
        other = make_run(tmp_path / "home", **overrides)
        assert refused(verify_approval, other, EVENING) == reason


def test_with_real_money_an_audit_log_without_a_key_approves_nothing(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.mode": "live", "data.provider": ["alpaca"]})
    add_person(run)

    assert refused(examine, run, EVENING) == "log"
    assert refused(verify_approval, run, EVENING) == "log"


def test_with_an_audit_key_an_approver_of_another_log_is_refused(run, monkeypatch):
    """Who can write to the home, but has no audit key, cannot register an approver."""
    person = add_person(run)
    sign_day(run, person)
    monkeypatch.setenv("AFTERCLOSE_AUDIT_KEY", "k" * 32)

    with pytest.raises(SafetyError, match="audit log is not intact"):
        verify_approval(run, EVENING)


def test_an_approval_of_a_simulated_market_is_refused_for_a_real_one(run, tmp_path):
    assert sign_day(run, add_person(run)).envelope.demo
    real = make_run(tmp_path / "home", **{"data.provider": ["alpaca"]})

    assert refused(verify_approval, real, EVENING) == "mode"


@pytest.mark.parametrize(
    "overrides",
    [{"approval.price_band_frac": 0.2}, {"approval.size_band_frac": 0.5}, {"approval.persons": 2}],
)
def test_terms_that_changed_after_the_approval_are_refused(run, tmp_path, overrides):
    sign_day(run, add_person(run))

    assert refused(verify_approval, make_run(tmp_path / "home", **overrides), EVENING) == "terms"


def test_settings_that_changed_after_the_day_are_refused(run, tmp_path):
    sign_day(run, add_person(run))
    other = make_run(tmp_path / "home", **{"trades.max_trades": 7})

    assert refused(verify_approval, other, EVENING) == "config"
    assert refused(examine, other, EVENING) == "config"


def test_fault_049_code_that_changed_after_the_approval_is_refused(run, monkeypatch):
    sign_day(run, add_person(run))
    monkeypatch.setattr("tasks.approval.decisions.code_fingerprint", lambda _: "0" * 64)

    assert refused(verify_approval, run, EVENING) == "code"
    assert refused(examine, run, EVENING) == "code"


def test_positions_that_changed_after_the_approval_are_refused(run):
    sign_day(run, add_person(run))
    run.home.positions_file.write_text("symbol,shares\nCASH,5.0\n")

    assert refused(verify_approval, run, EVENING) == "positions"
    assert refused(examine, run, EVENING) == "positions"


def test_fault_059_a_day_that_was_generated_again_voids_its_approval(run):
    sign_day(run, add_person(run))
    approval = (folder_of(run) / "approval.json").read_bytes()
    publish(run, (TRADE_ROWS[0],))
    assert (folder_of(run) / "approval.json").read_bytes() == approval

    assert refused(verify_approval, run, EVENING) == "manifest"


def test_fault_062_files_swapped_after_the_check_do_not_change_what_was_checked(run):
    """Whoever acts on the approval gets the bytes that were checked, whatever the files hold by then."""
    sign_day(run, add_person(run))
    trades = (folder_of(run) / "trades.csv").read_bytes()

    found = verify_approval(run, EVENING)
    (folder_of(run) / "trades.csv").write_text("symbol\nEVIL\n")

    assert found.trades == trades


def test_fault_062_a_folder_swapped_while_it_is_read_is_never_mixed(run, monkeypatch):
    sign_day(run, add_person(run))
    trades = (folder_of(run) / "trades.csv").read_bytes()
    real_open, swapped = os.open, []

    def open_and_swap(path, *arguments, **named):
        descriptor = real_open(path, *arguments, **named)
        if path == "approval.json" and not swapped:
            swapped.append(True)
            folder_of(run).rename(folder_of(run).with_name("old"))
            publish(run, (TRADE_ROWS[1],))
        return descriptor

    monkeypatch.setattr(os, "open", open_and_swap)
    found = verify_approval(run, EVENING)

    assert swapped
    assert found.trades == trades


def test_fault_062_a_day_that_changes_between_reading_and_signing_is_refused(run):
    person = add_person(run)
    signature = make_signature(examine(run, EVENING), person.name, person.private, reason="")
    publish(run, (TRADE_ROWS[0],))

    assert refused(add_signature, run, signature, EVENING) == "signature"
    assert not (folder_of(run) / "approval.json").exists()


def test_fault_063_one_person_is_not_two(tmp_path):
    """With two persons required, whoever generated the day cannot approve it alone."""
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    ann, bob = add_person(run, "Ann Lee"), add_person(run, "Bob Ray")

    assert len(sign_day(run, ann).signatures) == 1
    assert refused(verify_approval, run, EVENING) == "persons"
    assert len(sign_day(run, ann).signatures) == 1  # again
    assert refused(verify_approval, run, EVENING) == "persons"
    assert len(sign_day(run, bob).signatures) == 2
    assert verify_approval(run, EVENING).approvers == ("Ann Lee", "Bob Ray")


def test_fault_063_a_signature_copied_into_the_second_place_is_refused(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    sign_day(run, add_person(run, "Ann Lee"))
    path = folder_of(run) / "approval.json"
    stored = json.loads(path.read_bytes())
    stored["signatures"] *= 2
    path.write_text(json.dumps(stored, sort_keys=True, indent=2) + "\n")

    assert refused(verify_approval, run, EVENING) == "persons"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o660])
def test_fault_115_an_approval_that_others_may_touch_is_refused(run, mode):
    sign_day(run, add_person(run))
    path = folder_of(run) / "approval.json"
    assert path.stat().st_mode & 0o027 == 0
    path.chmod(mode)

    assert refused(verify_approval, run, EVENING) == "approval"


@pytest.mark.parametrize("name", ["approval.json", "trades.csv", "manifest.json", "signals.json"])
def test_fault_057_a_file_that_is_a_symbolic_link_is_refused(run, tmp_path, name):
    sign_day(run, add_person(run))
    path = folder_of(run) / name
    path.rename(tmp_path / name)
    path.symlink_to(tmp_path / name)

    expected = {"approval.json": "approval", "trades.csv": "trades", "manifest.json": "manifest"}
    assert refused(verify_approval, run, EVENING) == expected.get(name, "day")


def test_fault_057_a_day_that_is_a_symbolic_link_is_refused(run, tmp_path):
    sign_day(run, add_person(run))
    folder_of(run).rename(tmp_path / "elsewhere")
    folder_of(run).symlink_to(tmp_path / "elsewhere")

    assert refused(verify_approval, run, EVENING) == "day"
    assert refused(examine, run, EVENING) == "day"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("approval.json", "approval"), ("trades.csv", "trades"), ("manifest.json", "manifest")],
)
def test_files_that_are_too_large_no_files_or_pipes_are_refused(run, name, reason):
    sign_day(run, add_person(run))
    path = folder_of(run) / name

    path.unlink()
    path.write_bytes(b" " * ((1 << 20) + 1))
    path.chmod(0o640)
    assert refused(verify_approval, run, EVENING) == reason
    path.unlink()
    os.mkfifo(path, 0o640)
    assert refused(verify_approval, run, EVENING) == reason
    path.unlink()
    path.mkdir(0o750)
    assert refused(verify_approval, run, EVENING) == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("approval.json", "missing"),
        ("trades.csv", "trades"),
        ("manifest.json", "manifest"),
        ("signals.json", "day"),
    ],
)
def test_a_missing_or_empty_file_is_refused(run, name, reason):
    sign_day(run, add_person(run))
    path = folder_of(run) / name

    path.write_bytes(b"")
    path.chmod(0o640)
    assert refused(verify_approval, run, EVENING) == ("approval" if name == "approval.json" else reason)
    path.unlink()
    assert refused(verify_approval, run, EVENING) == reason


def test_a_day_that_was_never_published_cannot_be_approved(tmp_path):
    run = make_home(tmp_path / "home")
    folder_of(run).rename(tmp_path / "elsewhere")

    assert refused(examine, run, EVENING) == "day"


def test_a_withdrawn_approval_that_is_put_back_is_refused(run):
    sign_day(run, add_person(run))
    approval = (folder_of(run) / "approval.json").read_bytes()
    reject_day(run, "Bob", "odd prices", EVENING)
    (folder_of(run) / "approval.withdrawn.json").rename(folder_of(run) / "approval.json")
    assert (folder_of(run) / "approval.json").read_bytes() == approval

    assert refused(verify_approval, run, EVENING) == "rejected"


def test_an_earlier_approval_that_is_put_back_is_refused(run):
    person = add_person(run)
    sign_day(run, person)
    path = folder_of(run) / "approval.json"
    earlier = path.read_bytes()
    reject_day(run, "Bob", "odd prices", EVENING)
    sign_day(run, person, at=EVENING + timedelta(minutes=5), reason="prices confirmed")
    assert verify_approval(run, EVENING + timedelta(minutes=5))
    path.write_bytes(earlier)

    assert refused(verify_approval, run, EVENING + timedelta(minutes=5)) == "rejected"


def test_an_approval_without_its_row_in_the_log_is_refused(run, tmp_path):
    """Who can write the folder and holds a key, but cannot write the log, approves nothing."""
    person = add_person(run)
    signature = make_signature(examine(run, EVENING), person.name, person.private, reason="")
    approval = Approval(envelope=examine(run, EVENING).envelope, signatures=(signature,))
    (folder_of(run) / "approval.json").write_bytes(render_record(approval))
    (folder_of(run) / "approval.json").chmod(0o640)

    assert refused(verify_approval, run, EVENING) == "log"


def test_an_approval_copied_into_another_home_is_refused(run, tmp_path):
    """The other home has the same day, settings and approver, but nobody approved anything there."""
    person = add_person(run)
    sign_day(run, person)
    other = make_home(tmp_path / "other")
    copy = folder_of(other) / "approval.json"
    copy.write_bytes((folder_of(run) / "approval.json").read_bytes())
    copy.chmod(0o640)

    assert refused(verify_approval, other, EVENING) == "approver"
    add_approver(other.home, person.name, person.approver.key, "Root", "set-up", EVENING)
    assert refused(verify_approval, other, EVENING) == "log"


def test_fault_055_a_damaged_audit_log_approves_nothing(run):
    sign_day(run, add_person(run))
    log = run.home.audit_log
    log.write_text(log.read_text().replace("Ann Lee", "Eve Lee"))

    for call in (verify_approval, examine):
        with pytest.raises(SafetyError, match="audit log is not intact"):
            call(run, EVENING)
