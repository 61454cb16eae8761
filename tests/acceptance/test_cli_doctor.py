"""The checks of a home: what is missing or stale, and how to fix it."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from flows.cli.app import answer
from flows.operations.homes import checked, home_checks
from tasks.approval.decisions import reject_day
from tasks.approval.plans.audit import record_plan
from tasks.core.atomic import write_text
from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_file
from tasks.data.lake.head import Head, write_head
from tasks.execution.journal import store_execution
from tasks.ledger.database import opened
from tasks.ledger.opening import Opening, begin_ledger
from tasks.reporting.notify.outbox.entry import Channel
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.notify.routing import message
from tests.approval_days import EVENING, OPEN, add_person, clock_at, folder_of, make_home, sign_day
from tests.builders import make_run
from tests.champions import put_into_production
from tests.execution_days import make_execution
from tests.homes import afterclose, blank, tree_bytes
from tests.notices import email_settings, make_notice

SATURDAY = datetime(2024, 6, 15, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def saturday(monkeypatch):
    monkeypatch.setattr(checked, "now", lambda: SATURDAY)


@pytest.fixture
def examine(tmp_path, capsys):
    blank(tmp_path)

    def run():
        code = answer(["doctor", "--json", "--home", str(tmp_path)])
        document = json.loads(capsys.readouterr().out)
        return code, {check["check"]: check for check in document["checks"]}

    return run


def test_a_new_home_is_healthy_with_the_next_steps_as_warnings(examine, tmp_path):
    before = tree_bytes(tmp_path)

    code, checks = examine()

    assert code == 0
    assert checks["home"]["message"] == "set up and writable"
    assert {checks[name]["verdict"] for name in ("lake", "champion", "last day")} == {"warn"}
    assert tree_bytes(tmp_path) == before


def test_a_home_that_does_not_exist_is_not_created(tmp_path, capsys):
    assert answer(["doctor", "--home", str(tmp_path / "none")]) == 2
    assert f"afterclose init {tmp_path / 'none'}" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_remedies_name_the_home_that_was_given(examine, tmp_path):
    _, checks = examine()

    assert checks["champion"]["remedy"] == f"Train one: afterclose weekly --home {tmp_path} --quick"


def test_doctor_and_every_run_name_the_same_command_for_a_home_without_a_champion(examine, tmp_path, capsys):
    _, checks = examine()

    assert answer(["daily", "--date", "2024-06-14", "--home", str(tmp_path)]) == ModelError.exit_code
    daily = capsys.readouterr().err
    assert answer(["champion", "show", "--home", str(tmp_path)]) == ModelError.exit_code
    show = capsys.readouterr().err
    assert answer(["champion", "history", "--home", str(tmp_path)]) == 0
    history = capsys.readouterr().out

    command = f"afterclose weekly --home {tmp_path} --quick"
    for said in (checks["champion"]["remedy"], daily, show, history):
        assert command in " ".join(said.split())


@pytest.mark.parametrize("missing", ["home", "settings", "lake"])
def test_nothing_is_to_be_run_before_a_broken_home_is_fixed(examine, tmp_path, missing):
    if missing == "home":
        Home(tmp_path).marker_file.unlink()
    elif missing == "settings":
        (tmp_path / "config.yaml").write_text("seeed: 1\n")
    else:
        (tmp_path / "data" / "lake").mkdir()
        (tmp_path / "data" / "lake" / "head.json").write_text("{")

    _, checks = examine()

    assert checks["champion"]["remedy"] == checks["last day"]["remedy"] == f"Fix this first: {missing}."
    assert checks[missing]["remedy"] != f"Fix this first: {missing}."


@pytest.mark.parametrize(("provider", "verdict"), [("files", "ok"), ("simulated", "fail")])
def test_a_champion_is_no_older_than_the_files_that_ended(examine, tmp_path, provider, verdict):
    """For a home whose files end in May, the remedy is to add files, not to train again."""
    (tmp_path / "files").mkdir()
    (tmp_path / "config.yaml").write_text(f"data: {{provider: {provider}, files: {{path: files}}}}\n")
    write_head(Home(tmp_path).lake, Head(provider, 1, None, date(2020, 1, 2), date(2024, 4, 12)))
    put_into_production(Home(tmp_path), session=date(2024, 4, 12))

    _, checks = examine()

    assert checks["champion"]["verdict"] == verdict
    assert ("Add the later sessions" in checks["lake"]["remedy"]) == (provider == "files")


def test_bad_settings_fail_once_and_keep_the_other_checks(examine, tmp_path):
    (tmp_path / "config.yaml").write_text("seeed: 1\n")

    code, checks = examine()

    assert code == 2
    assert 'seeed: is not a setting. Did you mean "seed"?' in checks["settings"]["remedy"]
    assert checks["last day"]["verdict"] == "warn"


def test_a_vanished_switch_fails_with_the_code_of_safety(examine, tmp_path):
    Home(tmp_path).kill_switch_file.unlink()

    code, checks = examine()

    assert code == 3
    assert "afterclose kill-switch reset" in checks["kill switch"]["remedy"]


@pytest.mark.parametrize(
    ("last", "verdict", "message"),
    [
        (date(2024, 6, 14), "ok", "up to 2024-06-14"),
        (date(2024, 6, 12), "warn", "ends 2024-06-12, 2 sessions behind the last closed session"),
    ],
)
def test_the_lake_is_measured_against_the_last_closed_session(examine, tmp_path, last, verdict, message):
    write_head(Home(tmp_path).lake, Head("simulated", 1, None, date(2020, 1, 2), last))

    lake = examine()[1]["lake"]

    assert (lake["verdict"], lake["message"]) == (verdict, message)


def test_a_damaged_lake_fails_with_the_code_of_data(examine, tmp_path):
    (tmp_path / "data" / "lake").mkdir()
    (tmp_path / "data" / "lake" / "head.json").write_text("{")

    code, checks = examine()

    assert code == 5
    assert checks["lake"]["verdict"] == "fail"


def test_a_damaged_champion_fails_with_the_code_of_the_model(examine, tmp_path):
    (tmp_path / "production").mkdir()
    (tmp_path / "production" / "champion_metadata.json").write_text("{")

    code, checks = examine()

    assert code == 6
    assert "afterclose weekly" in checks["champion"]["remedy"]


def test_a_day_that_was_missed_is_seen(examine, tmp_path):
    (tmp_path / "live" / "2024-06-12").mkdir(parents=True)

    assert examine()[1]["last day"]["message"] == "2024-06-12, before the last closed session 2024-06-14"


def test_a_copy_of_a_day_does_not_hide_that_one_was_missed(examine, tmp_path):
    for name in ("2024-06-12", "2024-06-14-old"):
        (tmp_path / "live" / name).mkdir(parents=True)

    assert examine()[1]["last day"]["message"] == "2024-06-12, before the last closed session 2024-06-14"


def test_a_check_that_raises_has_failed_and_the_others_still_run(examine, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("no disk")

    monkeypatch.setitem(home_checks.CHECKS, "disk", broken)

    code, checks = examine()

    assert code == 1
    assert checks["disk"]["verdict"] == "fail"
    assert checks["settings"]["verdict"] == "ok"


def test_a_missing_directory_of_files_fails(examine, tmp_path):
    (tmp_path / "config.yaml").write_text("data: {provider: files, files: {path: nowhere}}\n")

    code, checks = examine()

    assert code == 2
    assert str(tmp_path / "nowhere") in checks["settings"]["message"]


def test_the_output_fits_on_one_screen(tmp_path, capsys):
    answer(["doctor", "--home", str(tmp_path)])

    assert len(capsys.readouterr().out.splitlines()) <= 24


def test_a_key_that_is_missing_or_cannot_be_one_is_named_and_never_shown(examine, tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("data: {provider: alpaca, compare_with: [tiingo]}\n")
    monkeypatch.setenv("APCA_API_KEY_ID", "PKPLANTED")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted secret\n")
    monkeypatch.delenv("TIINGO_API_KEY", raising=False)

    code, checks = examine()

    assert code == 2
    assert checks["keys"]["message"].startswith("APCA_API_SECRET_KEY cannot be used")
    assert "planted" not in str(checks).lower()
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted")
    assert examine()[1]["keys"]["message"] == "tiingo needs TIINGO_API_KEY in the environment."
    monkeypatch.setenv("TIINGO_API_KEY", "planted")
    assert examine()[1]["keys"]["message"] == "APCA_API_KEY_ID, APCA_API_SECRET_KEY, TIINGO_API_KEY set"


@pytest.fixture
def day(tmp_path):
    """Publish a day with one file and a manifest, and its row in the history."""
    folder = tmp_path / "live" / "2024-06-14"
    folder.mkdir()
    (folder / "trades.csv").write_text("symbol\n")
    digests = {"trades.csv": sha256_of_file(folder / "trades.csv")}
    (folder / "manifest.json").write_text(json.dumps({"sha256": digests}))
    (tmp_path / "live" / "performance_history.csv").write_text("date,equity,exposure\n2024-06-14,1000,0\n")
    (tmp_path / "live" / "current_positions.csv").write_text("symbol,shares\nCASH,1000\n")
    return folder


def test_unchanged_days_pass(examine, day):
    code, checks = examine()

    assert code == 0
    assert checks["days"]["message"] == "1 published, all files unchanged"


@pytest.mark.parametrize("name", ["trades.csv", "manifest.json"])
@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("{}")])
def test_a_file_of_a_published_day_that_is_gone_or_edited_is_named(name, change, examine, day):
    change(day / name)

    code, checks = examine()

    assert code == 3
    assert f"2024-06-14/{name}" in checks["days"]["message"]


def test_a_published_day_that_is_gone_is_named(examine, day):
    shutil.rmtree(day)

    _, checks = examine()

    assert checks["days"]["verdict"] == "warn"
    assert "2024-06-14" in checks["days"]["message"]


def test_a_day_whose_run_was_killed_before_its_row_is_named(examine, day, tmp_path):
    (tmp_path / "live" / "performance_history.csv").write_text("date,equity,exposure\n")
    (tmp_path / "data" / "home.json").write_text('{"schema_version": 1, "portfolio": {"history_rows": 0}}')

    _, checks = examine()

    assert checks["portfolio"]["verdict"] == "ok"
    assert checks["days"]["verdict"] == "warn"
    assert f"afterclose daily --home {tmp_path} --date 2024-06-14" in checks["days"]["remedy"]


def test_a_trial_ledger_that_is_missing_fails_and_names_the_remedy(examine, tmp_path):
    put_into_production(Home(tmp_path))  # measured against five trials

    code, checks = examine()

    assert code == 3
    assert (
        checks["trial ledger"]["message"]
        == "it has no trials, but a champion's Sharpe ratio was deflated for 5"
    )
    assert f"afterclose trials accept --home {tmp_path}" in checks["trial ledger"]["remedy"]


def test_an_intact_trial_ledger_is_ok(examine):
    _, checks = examine()

    assert (checks["trial ledger"]["verdict"], checks["trial ledger"]["message"]) == (
        "ok",
        "no trials, chain intact",
    )


@contextmanager
def published(root):
    """Yield the run of a home with a published day, in its evening, and what `doctor` says about its approval."""
    run = make_home(root)

    def examined():
        ended = afterclose("doctor", "--json", home=root)
        checks = {check["check"]: check for check in json.loads(ended.stdout)["checks"]}
        return ended.returncode, checks["approval"]

    with clock_at(EVENING):
        yield run, examined


def test_a_day_that_waits_for_approval_is_named_with_its_time_and_command(tmp_path):
    with published(tmp_path / "home") as (run, examined):
        code, approval = examined()
        reject_day(run, "Bob", "odd prices", EVENING)

        assert examined()[0] == code

    assert (approval["verdict"], approval["exit_code"]) == ("warn", 0)
    assert (
        approval["message"] == "2024-06-14 is waiting for approval, until Mon 2024-06-17 09:30 New York time"
    )
    assert approval["remedy"] == (f"Read and decide: afterclose review --home {tmp_path / 'home'} 2024-06-14")


def test_an_approval_that_was_not_executed_is_named_with_its_time_and_command(tmp_path):
    with published(tmp_path / "home") as (run, examined):
        sign_day(run, add_person(run))

        _, approval = examined()

    assert approval["message"] == (
        "2024-06-14: signed by Ann Lee; its execution has to begin before Mon 2024-06-17 09:30 New York time"
    )


def test_a_day_that_was_rejected_or_can_no_longer_be_approved_does_not_wait(tmp_path):
    with published(tmp_path / "home") as (run, examined):
        with clock_at(OPEN):
            late = examined()[1]
        reject_day(run, "Bob", "odd prices", EVENING)

        rejected = examined()[1]

    assert (late["verdict"], late["remedy"]) == ("ok", "")
    assert "The time to approve 2024-06-14, or to use its approval, is over: it ended at" in late["message"]
    assert (rejected["verdict"], rejected["message"]) == ("ok", "2024-06-14: rejected by Bob")


def checks_of(home):
    checks = json.loads(afterclose("doctor", "--json", home=home).stdout)["checks"]
    return {check["check"]: check for check in checks}


def test_a_day_whose_approval_is_lost_does_not_just_wait_for_one(tmp_path):
    with published(tmp_path / "home") as (run, examined):
        sign_day(run, add_person(run))
        (folder_of(run) / "approval.json").unlink()

        _, approval = examined()

    assert (approval["verdict"], approval["message"]) == (
        "warn",
        "2024-06-14: the audit log has an approval, but approval.json is missing.",
    )
    assert approval["remedy"].startswith(
        "Restore approval.json from a backup, or approve again: `afterclose approve"
    )


def test_the_time_of_an_expired_day_is_that_of_the_exchange(tmp_path):
    with published(tmp_path / "home") as (_, examined), clock_at(OPEN):
        late = examined()[1]

    assert late["message"].endswith("it ended at the next regular open, Mon 2024-06-17 09:30 New York time.")


def test_a_lost_last_day_is_named_and_not_an_older_one(tmp_path):
    with published(tmp_path / "home") as (run, examined):
        record_plan(make_run(tmp_path / "home", OPEN.date()), b"{}", EVENING)

        recorded = examined()[1]
        begin_ledger(run.home, Opening((), 1_000_00, run.session.day, "0" * 64), at=EVENING)
        with opened(run.home) as connection:
            store_execution(connection, make_execution(session=OPEN.date()))
        executed = examined()[1]

    lost = "2024-06-17 was published, but live/2024-06-17 is missing"
    assert [(one["verdict"], one["message"]) for one in (recorded, executed)] == [("warn", lost)] * 2
    assert "afterclose daily" in recorded["remedy"]
    assert executed["remedy"].startswith("Put live/2024-06-17 back from a backup")


def test_an_execution_that_waits_is_continued_once_the_day_is_approved(tmp_path):
    with published(tmp_path / "home") as (run, _):
        sign_day(run, add_person(run))

        execution = checks_of(tmp_path / "home")["execution"]

    assert execution["message"] == "waits: 2024-06-14"
    assert execution["remedy"].startswith("Continue: afterclose execute")


def test_an_execution_that_lacks_a_signature_says_so_and_is_not_to_be_continued(tmp_path):
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    write_text(run.home.root / "config.yaml", yaml.safe_dump({"approval": {"persons": 2}}))
    with clock_at(EVENING):
        sign_day(run, add_person(run))
        execution = checks_of(tmp_path / "home")["execution"]

    assert execution["verdict"] == "warn"
    assert execution["message"].startswith("cannot be executed: 2024-06-14: 1 signature is missing")
    assert "another approver runs" in execution["remedy"].lower()


def test_an_execution_whose_approval_is_damaged_says_so_in_plain_words(tmp_path):
    with published(tmp_path / "home") as (run, _):
        sign_day(run, add_person(run))
        (folder_of(run) / "approval.json").write_text("{")

        execution = checks_of(tmp_path / "home")["execution"]

    assert execution["message"] == (
        "cannot be executed: 2024-06-14: approval.json cannot be used: it is not valid JSON."
    )
    assert "afterclose reject" in execution["remedy"]


def test_an_execution_whose_folder_is_lost_or_was_replaced_is_to_be_restored(tmp_path):
    with published(tmp_path / "home") as (run, _):
        begin_ledger(run.home, Opening((), 1_000_00, run.session.day, "0" * 64), at=EVENING)
        with opened(run.home) as connection:
            store_execution(connection, make_execution(session=run.session.day))
        replaced = checks_of(tmp_path / "home")["execution"]
        shutil.rmtree(folder_of(run))

        lost = checks_of(tmp_path / "home")["execution"]

    assert replaced["message"] == (
        "cannot be executed: 2024-06-14: approval.json is not the approval that is being executed."
    )
    assert "but the ledger has an execution of 2024-06-14" in lost["message"]
    assert lost["remedy"].startswith("Put live/2024-06-14 back from a backup")


def test_a_message_that_was_given_up_is_named_with_its_reason(examine, tmp_path):
    settings = email_settings().notifications
    route = (Channel.EMAIL, "ann@example.com")
    entry = message(make_notice(), route, home="h", title="A", settings=settings, at=SATURDAY)
    Outbox(Home(tmp_path)).bury(replace(entry, error="the server answered 550 no such user"))

    _, checks = examine()

    assert checks["notifications"]["verdict"] == "warn"
    assert (
        "email to ann@example.com: the server answered 550 no such user" in checks["notifications"]["message"]
    )
