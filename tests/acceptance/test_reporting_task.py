import json
import shutil
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from tasks.approval.approval_log import APPROVED, approved_detail
from tasks.approval.decisions import reject_day
from tasks.approval.plans.recorded import plans_of
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on
from tasks.core.stage import timings
from tasks.reporting.day.store import days_of_promotions, read_promotions
from tasks.reporting.task import refuse_decided_day, report_closed_session
from tasks.safety.audit import read_intact, record
from tests.builders import make_run
from tests.unit.reporting.example_day import POSITIONS_SHA256, make_execution, make_inputs
from tests.unit.reporting.published import files_of, leave_out_charts, publish, stand_in_panel
from tests.unit.reporting.reading import Report

THURSDAY, MONDAY = date(2024, 6, 13), date(2024, 6, 17)
FILES = {
    "trades.csv",
    "portfolio_weights.csv",
    "signals.json",
    "tickets.json",
    "report.html",
    "monitoring_log.json",
    "manifest.json",
}


@pytest.fixture(autouse=True)
def panel(monkeypatch):
    stand_in_panel(monkeypatch)


@pytest.fixture
def charts():
    """For tests that compare pages byte by byte: their charts are drawn."""


@pytest.fixture(autouse=True)
def no_other_charts(request, monkeypatch):
    if "charts" not in request.fixturenames:
        leave_out_charts(monkeypatch)


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """A home in which the day was published once, with timings. Never written to: take `home`."""
    home = tmp_path_factory.mktemp("evening") / "home"
    with pytest.MonkeyPatch.context() as patch, timings():
        stand_in_panel(patch)
        publish(home)
    return home


@pytest.fixture
def home(evening, tmp_path):
    return shutil.copytree(evening, tmp_path / "home")


def day_of(home, session="2024-06-14"):
    return home / "live" / session


def without_timings(files):
    manifest = json.loads(files["manifest.json"])
    del manifest["timings"]
    return files | {"manifest.json": manifest}


def test_a_closed_session_has_no_folder(tmp_path):
    run = make_run(tmp_path)
    saturday = Run(run.home, session_on(date(2024, 6, 15)), run.as_of, run.settings)

    day = report_closed_session(saturday)

    assert (day.folder, day.report, day.state) == (None, None, "closed")
    assert "closed" in day.summary
    assert not (tmp_path / "live").exists()


def test_a_published_day_is_complete_and_every_hash_is_true(evening):
    files = files_of(day_of(evening))

    manifest = json.loads(files.pop("manifest.json"))
    assert {*files, "manifest.json"} == FILES
    assert manifest["sha256"] == {name: sha256(content).hexdigest() for name, content in files.items()}
    assert manifest["timings"]["render_day"] >= 0


def test_the_plan_of_a_published_day_is_recorded_and_nothing_of_a_refused_one(home):
    recorded = plans_of(date(2024, 6, 14), read_intact(Home(home), log="plans"))
    assert [plan.manifest_sha256 for plan in recorded] == [
        sha256((day_of(home) / "manifest.json").read_bytes()).hexdigest()
    ]

    (day_of(home) / "approval.json").write_text("{}")
    with pytest.raises(SafetyError, match="already approved"):
        publish(home)

    assert plans_of(date(2024, 6, 14), read_intact(Home(home), log="plans")) == recorded


def test_a_day_that_runs_again_gives_the_same_bytes_and_one_row(home, charts):
    before = without_timings(files_of(day_of(home)))
    history = (home / "live" / "performance_history.csv").read_bytes()

    day = publish(home)

    assert (day.folder, day.report, day.trades) == (day_of(home), day_of(home) / "report.html", 21)
    assert without_timings(files_of(day.folder)) == before
    assert (home / "live" / "performance_history.csv").read_bytes() == history
    assert history.count(b"\n") == 2


def test_two_homes_give_the_same_bytes(evening, tmp_path, charts):
    other = publish(tmp_path).folder

    assert without_timings(files_of(other)) == without_timings(files_of(day_of(evening)))


def test_the_next_day_is_compared_with_the_one_before(home):
    day = publish(home, day=MONDAY, state="NEUTRAL")

    report = day.report.read_text()
    rows = (home / "live" / "performance_history.csv").read_text().splitlines()
    assert "target compared with that of 14 June 2024" in report
    assert [row.split(",")[0] for row in rows[1:]] == ["2024-06-14", "2024-06-17"]


def test_a_day_in_the_past_does_not_see_a_later_one(home, tmp_path, charts):
    alone = publish(tmp_path / "alone", day=THURSDAY, empty=True).folder

    after = publish(home, day=THURSDAY, empty=True).folder

    assert without_timings(files_of(after)) == without_timings(files_of(alone))


def test_an_unreadable_earlier_report_is_said_and_does_not_stop_the_day(home):
    (day_of(home) / "signals.json").write_text("{")

    report = publish(home, day=MONDAY, empty=True).report.read_text()

    assert "The report of 2024-06-14 cannot be read" in report


@pytest.mark.parametrize("decision", ["approval.json", "execution.json"])
def test_a_decided_day_is_refused_and_stays_as_it_is(home, decision):
    folder = day_of(home)
    (folder / decision).write_text("{}")
    before = files_of(folder)

    with pytest.raises(SafetyError, match="already approved or executed") as refused:
        publish(home)
    with pytest.raises(SafetyError):
        refuse_decided_day(make_run(home))

    assert refused.value.exit_code == 3
    assert ("afterclose reject" in refused.value.remedy) == (decision == "approval.json")
    assert files_of(folder) == before


def test_a_day_whose_approval_is_only_in_the_audit_log_is_refused_until_it_is_rejected(home):
    run, at = make_run(home), datetime(2024, 6, 14, 22, tzinfo=UTC)
    detail = approved_detail(run.session.day, "1" * 64, signatures=1, persons=1)
    record(run.home, event=APPROVED, by="Ann Lee", detail=detail, at=at)
    before = files_of(day_of(home))

    with pytest.raises(SafetyError, match=r"approval\.json is missing") as refused:
        publish(home)

    assert (refused.value.exit_code, "afterclose reject" in refused.value.remedy) == (3, True)
    assert files_of(day_of(home)) == before
    reject_day(run, "Bob", "approval.json is lost", at)
    refuse_decided_day(run)


def test_an_undecided_day_may_be_run(home, tmp_path):
    refuse_decided_day(make_run(home))
    refuse_decided_day(make_run(tmp_path / "new"))


def test_a_blocked_day_is_reported_elsewhere_and_live_is_untouched(tmp_path):
    with pytest.raises(SafetyError) as blocked:
        publish(tmp_path, blocked=True)

    folder = tmp_path / "reports" / "blocked" / "2024-06-14"
    assert blocked.value.exit_code == 3
    assert "buys" in str(blocked.value)
    assert str(folder / "report.html") in str(blocked.value)
    assert set(files_of(folder)) == FILES
    assert b"do not place any of these trades" in (folder / "report.html").read_bytes()
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "blocked"
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["kill_switch.json"]


def test_a_blocked_day_leaves_an_earlier_folder_of_the_same_session(home):
    before = files_of(day_of(home))
    history = (home / "live" / "performance_history.csv").read_bytes()

    with pytest.raises(SafetyError):
        publish(home, blocked=True)

    assert files_of(day_of(home)) == before
    assert (home / "live" / "performance_history.csv").read_bytes() == history


def test_a_switch_tripped_after_the_checks_still_keeps_the_day_from_being_published(home):
    before = files_of(day_of(home))
    (home / "live" / "STOP").touch()

    with pytest.raises(
        SafetyError, match=r"halted while it was being written: .*\. Nothing was published\."
    ) as halted:
        publish(home)

    assert halted.value.exit_code == 3
    assert files_of(day_of(home)) == before


def test_the_manifest_names_the_positions_that_were_read_not_those_that_lie_there_now(evening):
    manifest = json.loads(files_of(day_of(evening))["manifest.json"])

    assert manifest["inputs"]["positions"] == POSITIONS_SHA256


def test_the_report_shows_the_bridge_of_the_last_execution_and_the_manifest_names_its_hash(tmp_path):
    home = tmp_path / "home"
    publish(home, day=THURSDAY)
    document = make_execution()
    (day_of(home, "2024-06-13") / "execution.json").write_text(json.dumps(document))

    publish(home)

    page = Report((day_of(home) / "report.html").read_bytes())
    manifest = json.loads((day_of(home) / "manifest.json").read_text())
    assert "Closed to the cent" in page.text
    assert "estimated $3.50" not in page.text  # the estimate is that of the day's own trades.csv
    assert "With spread and impact $7.90, estimated $" in page.text
    fingerprint = sha256(json.dumps(document).encode()).hexdigest()
    assert manifest["inputs"]["executions"] == sha256(fingerprint.encode()).hexdigest()


def test_an_execution_of_the_day_itself_or_later_is_not_shown(tmp_path):
    home = tmp_path / "home"
    publish(home, day=MONDAY)
    (day_of(home, "2024-06-17") / "execution.json").write_text(json.dumps(make_execution()))

    publish(home)

    page = Report((day_of(home) / "report.html").read_bytes())
    assert "No trades have been executed yet." in page.text


def test_a_session_that_another_model_decided_is_a_promotion(tmp_path):
    home = tmp_path / "home"
    for day in (date(2024, 6, 12), THURSDAY):
        publish(home, day=day)
    path = day_of(home, "2024-06-12") / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["inputs"]["champion"] = "0" * 64
    path.write_text(json.dumps(manifest))
    run = make_run(home)

    assert read_promotions(run, manifest["inputs"]["champion"]) == (THURSDAY, run.session.day)
    assert read_promotions(run, make_inputs().records.scores.champion.model_sha256) == (THURSDAY,)
    assert days_of_promotions(run, (THURSDAY, run.session.day)) == [date(2024, 6, 12), THURSDAY]
