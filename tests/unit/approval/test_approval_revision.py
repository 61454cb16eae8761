"""A revision is approved by its number, and every byte of it and of its day is bound."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.approval.day import listed_files, published_day
from tasks.approval.decisions import add_signature, examine, make_signature
from tasks.approval.store import read_day, revision_numbers, write_approval, write_revision
from tasks.approval.task import verify_approval
from tasks.core.errors import SafetyError
from tasks.core.ids import sha256_of_bytes
from tests.approval_days import (
    EVENING,
    TRADE_ROWS,
    add_person,
    day_files,
    folder_of,
    make_home,
    publish,
    trades_csv,
)

REVISED = ("trades.csv", "portfolio_weights.csv", "monitoring_log.json")


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def revise(run, number=1, rows=TRADE_ROWS[:1], **stated):
    """Write a revision of the day without its second trade."""
    day = (folder_of(run) / "manifest.json").read_bytes()
    files = {name: content for name, content in day_files().items() if name in REVISED}
    files |= {"trades.csv": trades_csv(*rows)}
    manifest = json.loads(day) | {
        "revision": {"number": number, "struck": ["MSFT"]},
        "day_sha256": sha256_of_bytes(day),
        "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
    }
    content = json.dumps(manifest | stated).encode()
    return write_revision(run.home, run.session, number, files | {"manifest.json": content})


def sign(run, person, revision):
    proposal = examine(run, EVENING, revision=revision)
    signature = make_signature(proposal, person.name, person.private, reason="")
    return add_signature(run, signature, EVENING, revision=revision)


def reason_of(call, *arguments, **named):
    with pytest.raises(SafetyError) as caught:
        call(*arguments, **named)
    return caught.value.fields["reason"]


def test_an_approval_of_a_revision_covers_its_trades_alone(run):
    revise(run)
    person = add_person(run)

    sign(run, person, 1)

    approved = verify_approval(run, EVENING)
    assert approved.envelope.revision == 1
    assert [line.symbol for line in approved.envelope.lines] == ["AAPL"]
    assert approved.trades == trades_csv(TRADE_ROWS[0])


def test_without_a_number_the_day_as_published_is_approved(run):
    revise(run)

    sign(run, add_person(run), None)

    assert verify_approval(run, EVENING).envelope.revision == 0
    assert revision_numbers(run.home, run.session) == [1]


@given(
    st.sampled_from([f"revisions/1/{name}" for name in (*REVISED, "manifest.json")] + ["manifest.json"]),
    st.integers(0, 10**6),
    st.integers(0, 7),
)
@settings(max_examples=60)
def test_any_changed_bit_of_a_revision_is_refused(approved_revision, name, place, bit):
    path = folder_of(approved_revision) / name
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        assert reason_of(verify_approval, approved_revision, EVENING) in {
            "manifest", "trades", "day", "session", "revision",
        }  # fmt: skip
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def approved_revision(tmp_path_factory):
    run = make_home(tmp_path_factory.mktemp("home") / "home")
    revise(run)
    sign(run, add_person(run), 1)
    return run


@pytest.mark.parametrize("lost", ["trades.csv", "manifest.json", ""])
def test_a_lost_file_of_a_revision_is_refused(run, lost):
    folder = revise(run)
    sign(run, add_person(run), 1)
    (folder / lost).unlink() if lost else shutil.rmtree(folder)

    assert reason_of(verify_approval, run, EVENING) in {"trades", "revision"}


def test_a_link_is_not_a_revision(run, tmp_path):
    folder = revise(run)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    assert reason_of(examine, run, EVENING, revision=1) == "revision"


def test_a_revision_of_another_publication_is_refused(run):
    revise(run)
    publish(run, rows=TRADE_ROWS[1:])

    assert reason_of(examine, run, EVENING, revision=1) == "revision"


@pytest.mark.parametrize(
    "stated",
    [
        {"inputs": {"snapshot": "6" * 64}},
        {"inputs": {"kept": "7" * 64}},
        {"session": "2024-06-13"},
        {"status": "blocked"},
        {"revision": {"number": "x"}},
        {"sha256": {}},
        {"sha256": dict.fromkeys((*REVISED, "tickets.json"), "0" * 64)},
    ],
)
def test_a_revision_that_states_anything_else_is_refused(run, stated):
    manifest = json.loads((folder_of(run) / "manifest.json").read_bytes())
    if "inputs" in stated:
        stated = {"inputs": manifest["inputs"] | stated["inputs"]}
    revise(run, **stated)

    assert reason_of(examine, run, EVENING, revision=1) in {"manifest", "session"}


def test_a_revision_without_the_manifest_of_its_day_is_refused(run):
    revise(run)
    _, manifest, files = read_day(run.home, run.session, revision=1)
    alone = {name: content for name, content in files.items() if name != "manifest.json"}

    assert reason_of(published_day, run.session.day, manifest, alone) == "revision"


def test_two_persons_sign_the_same_revision(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    revise(run)
    ann, bob = add_person(run, "Ann Lee"), add_person(run, "Bob Ray")
    sign(run, ann, 1)

    assert reason_of(examine, run, EVENING, revision=0) == "decided"
    sign(run, bob, None)  # the one that was signed

    assert verify_approval(run, EVENING).approvers == ("Ann Lee", "Bob Ray")


def test_a_number_without_a_revision_is_refused_and_no_other_file_is_closed_or_left_open(run):
    revise(run)
    before = sorted(Path("/dev/fd").iterdir())

    assert reason_of(examine, run, EVENING, revision=7) == "revision"

    assert sorted(Path("/dev/fd").iterdir()) == before


def test_the_numbers_of_revisions_are_the_names_that_are_numbers(run):
    assert revision_numbers(run.home, run.session) == []
    revise(run)
    for name in ("10", "2", "03", "x", ".4.partial", "²"):
        (folder_of(run) / "revisions" / name).mkdir()

    assert revision_numbers(run.home, run.session) == [1, 2, 10]


@pytest.mark.parametrize("number", ["1", True, 1.0, -1, None, [1]])
def test_an_approval_without_the_number_of_a_revision_is_read_with_the_day_as_published(run, number):
    revise(run)
    write_approval(run.home, run.session, json.dumps({"envelope": {"revision": number}}).encode())

    _, manifest, _ = read_day(run.home, run.session)

    assert manifest == (folder_of(run) / "manifest.json").read_bytes()


def test_the_files_of_a_revision_replace_those_of_the_day(run):
    revise(run)

    _, manifest, files = read_day(run.home, run.session, revision=1)

    assert json.loads(manifest)["revision"]["number"] == 1
    assert files["trades.csv"] == trades_csv(TRADE_ROWS[0])
    assert files["report.html"] == day_files()["report.html"]
    assert files["manifest.json"] == (folder_of(run) / "manifest.json").read_bytes()
    assert listed_files(run.session.day, manifest, files) == {
        name: sha256_of_bytes(content) for name, content in files.items() if name != "manifest.json"
    }
