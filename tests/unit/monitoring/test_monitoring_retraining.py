"""Why a new champion should be trained (M13): schedule, drift, performance, samples; exit 4 without a reason."""

import json
from datetime import date, timedelta

import pytest

from flows.cli.app import answer
from tasks.core.homes.home import Home
from tasks.monitoring.retraining import retraining_reasons
from tests.builders import make_settings
from tests.champions import FRIDAY, put_into_production
from tests.homes import blank

SETTINGS = make_settings(**{"monitoring.retrain_after_days": 30, "monitoring.retrain_after_sessions": 10})


@pytest.fixture
def home(tmp_path):
    put_into_production(Home(tmp_path), "lightgbm", session=FRIDAY)
    return Home(tmp_path)


def reasons(home, days, settings=SETTINGS):
    return retraining_reasons(home, settings, FRIDAY + timedelta(days=days))


def test_a_home_without_a_champion_needs_one(tmp_path):
    assert reasons(Home(tmp_path), 0) == ("There is no champion yet.",)


def test_a_young_champion_without_an_alert_needs_nothing(home):
    assert reasons(home, 0) == reasons(home, 13) == ()


def test_the_sessions_since_its_training_are_counted(home):
    # two weeks with the holiday of June 19: the tenth session is Monday, July 1
    assert reasons(home, 14) == ()
    assert reasons(home, 17) == ("samples: 10 sessions were added since its training.",)


def test_an_old_champion_is_due(home):
    only_age = make_settings(**{"monitoring.retrain_after_days": 7, "monitoring.retrain_after_sessions": 99})

    assert reasons(home, 6, only_age) == ()
    assert reasons(home, 7, only_age) == (f"schedule: the champion was selected 7 days ago, on {FRIDAY}.",)


def test_only_alerts_that_training_can_answer_count_and_only_since_the_selection(home):
    drifted = {"name": "features drifted", "detail": "9 of 60 features.", "retrain": True}
    other = {"name": "volume", "detail": "Half of the usual volume.", "retrain": False}
    publish_log(home, FRIDAY, [drifted])
    assert reasons(home, 3) == ()

    publish_log(home, FRIDAY + timedelta(days=3), [drifted, other])

    assert reasons(home, 3) == ("2024-06-17, features drifted: 9 of 60 features.",)


def test_the_command_exits_4_where_nothing_is_needed(tmp_path, capsys):
    blank(tmp_path)
    put_into_production(Home(tmp_path), "lightgbm", session=FRIDAY)

    code = answer(["weekly", "--if-needed", "--json", "--date", str(FRIDAY), "--home", str(tmp_path)])

    assert code == 4
    assert json.loads(capsys.readouterr().out)["needed"] is False


def publish_log(home, day: date, alerts):
    folder = home.day_folder(day)
    folder.mkdir(parents=True)
    (folder / "monitoring_log.json").write_text(json.dumps({"alerts": alerts}))
    (folder / "manifest.json").write_text("{}")
