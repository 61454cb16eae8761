"""A process that dies while it stores a revision: the day is as before, or a person has answered it."""

import json
import shutil

import pytest

from flows.operations.decisions.revision import write_logged
from tasks.approval.day import published_day
from tasks.approval.decisions import add_signature, examine, make_signature
from tasks.approval.plans.audit import record_plan
from tasks.approval.store import hold_approvals, read_day, revision_numbers
from tasks.approval.task import authorize_execution
from tasks.approval.unanswered import is_due
from tasks.core.errors import SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.reporting.day.revision import Revision
from tasks.safety.audit import read_intact
from tests.approval_days import EVENING, OPEN, TRADE_ROWS, add_person, day_files, make_home, trades_csv
from tests.builders import make_run
from tests.faults.crash_points import actor, live_through

HALVED = (
    TRADE_ROWS[0].replace("AAPL,SELL,100,200.0000,20000.00", "AAPL,SELL,50,200.0000,10000.00"),
    TRADE_ROWS[1],
)
ON = {"execution.no_answer": "reductions"}
DUE = OPEN.replace(minute=0)


@pytest.fixture
def run(tmp_path):
    """A day whose sales go if nobody answers."""
    run = make_home(tmp_path / "home", **ON)
    add_person(run, "Bo Ray")  # the audit log has begun
    record_plan(run, (run.home.day_folder(run.session) / "manifest.json").read_bytes(), EVENING)
    return run


def published(run):
    _, manifest, files = read_day(run.home, run.session, revision=0)
    return published_day(run.session.day, manifest, files)


def revised_files(day):
    """Return the files of a revision in which half of AAPL is sold."""
    names = ("portfolio_weights.csv", "monitoring_log.json")
    files = {name: content for name, content in day_files().items() if name in names}
    files["trades.csv"] = trades_csv(*HALVED)
    manifest = json.loads(day.manifest) | {
        "revision": {"number": 1, "halved": ["AAPL"]},
        "day_sha256": day.manifest_sha256,
        "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
    }
    return files | {"manifest.json": json.dumps(manifest).encode()}


def store(run):
    """Store the revision as `revise` does, and return its files."""
    day = published(run)
    files = revised_files(day)
    with hold_approvals(run.home):
        number = max(revision_numbers(run.home, run.session), default=0) + 1
        revision = Revision(number, "Ann Lee", EVENING.isoformat(), "earnings", (), ("AAPL",), False)
        write_logged(run.home, day, revision, files)
    return files


def sold_without_answer(run):
    """Return the shares of AAPL that the no-answer policy sells; 0 if it does not apply."""
    try:
        covered = authorize_execution(run, DUE)
    except SafetyError as error:
        return {"missing": 0}[error.fields["reason"]]
    assert is_due(run.home, run.settings, run.session, DUE)
    return sum(int(line.shares) for line in covered.envelope.lines)


def copy_of(run, folder):
    shutil.copytree(run.home.root, folder)
    return make_run(folder, run.session.day, **ON)


def boundaries(run, folder):
    copy = copy_of(run, folder)
    return live_through(copy.home.root, lambda: store(copy), actor("run", 0))["boundaries"]


@pytest.mark.parametrize("how", ["kill", "full", "fsync"])
def test_a_day_is_old_or_answered_wherever_storing_its_revision_dies(run, tmp_path, how):
    assert sold_without_answer(run) == 100
    points = boundaries(run, tmp_path / "counted")
    assert points > 10  # row, anchor and folder
    seen = set()
    for point in range(1, points + 1):
        copy = copy_of(run, tmp_path / f"{how} {point}")
        before = read_intact(copy.home)
        live_through(copy.home.root, lambda copy=copy: store(copy), actor(how, point))

        is_answered = [row.event for row in read_intact(copy.home)].count("day_revised") == 1
        is_written = revision_numbers(copy.home, copy.session) == [1]
        seen.add((is_answered, is_written))
        assert sold_without_answer(copy) == (0 if is_answered else 100)
        assert is_answered or read_intact(copy.home) == before
        if is_written:
            assert (
                read_day(copy.home, copy.session, revision=1)[1]
                == revised_files(published(copy))["manifest.json"]
            )
    assert (False, True) not in seen
    assert (True, False) in seen


def test_a_revision_is_stored_and_approved_after_one_that_was_killed_between_its_row_and_its_folder(
    run, tmp_path
):
    points = boundaries(run, tmp_path / "counted")
    for point in range(1, points + 1):
        copy = copy_of(run, tmp_path / f"at {point}")
        live_through(copy.home.root, lambda copy=copy: store(copy), actor("kill", point))
        ann = add_person(copy)

        store(copy)
        revision = revision_numbers(copy.home, copy.session)[-1]
        signature = make_signature(
            examine(copy, EVENING, revision=revision), ann.name, ann.private, reason=""
        )
        add_signature(copy, signature, EVENING, revision=revision)

        approved = authorize_execution(copy, DUE)
        assert approved.approvers == ("Ann Lee",)
        assert {line.symbol: line.shares for line in approved.envelope.lines} == {"AAPL": "50", "MSFT": "40"}
