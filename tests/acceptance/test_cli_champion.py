"""`champion history` and `champion rollback` on champions that were promoted week after week."""

import json
from datetime import timedelta

import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.models.registry.store import read_champion, write_challenger
from tasks.safety import audit
from tasks.selection.promotion import describe
from tests.champions import FRIDAY, make_training, put_into_production
from tests.homes import afterclose, blank, tree_bytes

BY = ("--by", "Ada", "--reason", "odd scores")


@pytest.fixture
def home(tmp_path):
    return blank(tmp_path / "home")


def production(home):
    """Return the files of production/ itself, without those of the versions."""
    return {path.name: path.read_bytes() for path in (home / "production").iterdir() if path.is_file()}


def promote_weeks(home, *kinds):
    """Promote one champion a week, the last one on FRIDAY; return the files of production/ after each."""
    found = []
    for back, kind in zip(range(len(kinds) - 1, -1, -1), kinds, strict=True):
        put_into_production(Home(home), kind, session=FRIDAY - timedelta(weeks=back))
        found.append(production(home))
    return found


def test_fault_107_a_rollback_restores_exactly_the_bytes_of_the_champion_before(home):
    first, second, third = promote_weeks(home, "lightgbm", "xgboost", "random_forest")
    assert production(home) == third

    once = afterclose("champion", "rollback", *BY, home=home)
    after_once = production(home)
    twice = afterclose("champion", "rollback", *BY, home=home)

    assert (once.returncode, twice.returncode) == (0, 0), once.stderr + twice.stderr
    assert "In production: xgboost, selected 2024-06-07" in once.stdout
    assert after_once == second
    assert production(home) == first


def test_a_rollback_is_logged_with_the_name_the_reason_and_both_models(home):
    promote_weeks(home, "lightgbm", "xgboost")

    afterclose("champion", "rollback", *BY, home=home)

    row = Home(home).audit_log.read_text().splitlines()[-1]
    assert "champion_rolled_back,Ada," in row
    assert "odd scores (version 0001-" in row
    assert "replaces xgboost, selected 2024-06-14" in row
    assert not audit.verify(Home(home)).breaks


def test_a_damaged_champion_is_restored_by_a_rollback(home):
    _, second = promote_weeks(home, "lightgbm", "xgboost")
    (home / "production" / "champion_metadata.json").write_text("{}")

    shown = afterclose("champion", "history", home=home)
    ended = afterclose("champion", "rollback", *BY, home=home)

    assert "missing or damaged; `champion rollback` restores a version" in shown.stdout
    assert ended.returncode == 0, ended.stderr
    assert production(home) == second


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--by", "Ada", "--reason", "odd scores", "--to", "9"], 6, "No intact version"),
        (["--by", " ", "--reason", "odd scores"], 2, "a name and a reason"),
        (["--by", "Ada", "--reason", ""], 2, "a name and a reason"),
    ],
)
def test_a_refused_rollback_changes_and_logs_nothing(home, arguments, code, message):
    promote_weeks(home, "lightgbm", "xgboost")
    before = tree_bytes(home / "production")

    ended = afterclose("champion", "rollback", *arguments, home=home)

    assert ended.returncode == code
    assert message in ended.stderr
    assert tree_bytes(home / "production") == before
    assert not Home(home).audit_log.exists()


@pytest.mark.parametrize("command", ["weekly --quick", "champion rollback --by Ada --reason odd"])
def test_fault_094_during_a_daily_run_neither_a_week_nor_a_rollback_begins(home, command):
    promote_weeks(home, "lightgbm", "xgboost")
    before = tree_bytes(home / "production")

    with exclusive(Home(home).lock_file, doing="daily-live"):
        ended = afterclose(*command.split(), home=home, AFTERCLOSE_DATA__PROVIDER="simulated")

    assert ended.returncode == 75
    assert "daily-live" in ended.stderr
    assert tree_bytes(home / "production") == before
    assert not Home(home).audit_log.exists()


def test_a_model_that_no_longer_reproduces_its_scores_is_not_restored(home, monkeypatch):
    promote_weeks(home, "lightgbm", "xgboost")
    before = production(home)
    monkeypatch.setattr("tasks.models.registry.champion.probe_scores", lambda *_: ())

    ended = afterclose("champion", "rollback", *BY, home=home)

    assert ended.returncode == 6
    assert "does not reproduce its scores" in ended.stderr
    assert production(home) == before


def test_a_rollback_to_the_version_that_is_in_production_changes_nothing(home):
    _, second = promote_weeks(home, "lightgbm", "xgboost")

    assert afterclose("champion", "rollback", *BY, "--to", "2", home=home).returncode == 0

    assert production(home) == second


def test_the_history_has_every_version_with_the_days_it_scored(home):
    promote_weeks(home, "lightgbm", "xgboost")
    day = home / "live" / str(FRIDAY)
    day.mkdir(parents=True)
    champion = read_champion(Home(home)).model_sha256
    named = {"session": str(FRIDAY), "inputs": {"snapshot": "5" * 64, "champion": champion}}
    (day / "manifest.json").write_text(json.dumps(named))

    text = afterclose("champion", "history", home=home).stdout
    document = json.loads(afterclose("--json", "champion", "history", home=home).stdout)

    assert [line.split()[1] for line in text.splitlines()] == ["model", "lightgbm", "xgboost"]
    assert text.splitlines()[-1].split()[-4:] == ["0.0200", "1", "in", "production"]
    found = [(each["name"], each["in_production"], each["days"]) for each in document["versions"]]
    assert found == [("lightgbm", False, 0), ("xgboost", True, 1)]


def test_a_home_without_versions_says_how_to_get_one(home):
    ended = afterclose("champion", "history", home=home)

    assert ended.returncode == 0
    assert "afterclose weekly" in ended.stdout


def test_the_challenger_is_shown_with_the_champion(home, tmp_path):
    promote_weeks(home, "lightgbm")
    training = make_training(tmp_path, kind="xgboost")
    metadata = describe(training, optimizer="hrp", min_t=2.0)
    write_challenger(Home(home), metadata, training.model.path.read_bytes())

    text = afterclose("champion", "show", home=home).stdout
    document = json.loads(afterclose("--json", "champion", "show", home=home).stdout)

    assert "Challenger: xgboost, selected 2024-06-14" in text
    assert (document["name"], document["challenger"]["name"]) == ("lightgbm", "xgboost")


def test_a_damaged_challenger_is_reported_and_hides_no_champion(home):
    promote_weeks(home, "lightgbm")
    (home / "production" / "challenger").mkdir()
    (home / "production" / "challenger" / "champion_metadata.json").write_text("{}")

    ended = afterclose("champion", "show", home=home)

    assert ended.returncode == 0
    assert "Challenger: challenger/champion_metadata.json is damaged" in ended.stdout
