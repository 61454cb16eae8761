"""Monitoring in a whole day: what the log states, and the challenger in shadow beside it."""

import json
import logging
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.core.homes.home import Home
from tasks.models.registry.store import read_production, write_challenger
from tasks.models.schema import Statistic
from tasks.monitoring import task
from tests.homes import LAST_SESSION, afterclose, day_bytes, run_day

EARLIER = date(2024, 6, 5)


def with_challenger(home):
    """Store a challenger that is the champion under another name."""
    place = Home(home)
    stored = read_production(place)
    champion = replace(
        stored.metadata.champion,
        name="rival",
        trained_through=date(2024, 5, 31),
        statistic=Statistic("next_open", 5, ("sector",)),
        metrics={
            **stored.metadata.champion.metrics,
            "neutral_ic": 0.1,
            "neutral_ic_se": 0.02,
            "sessions": 100.0,
        },
    )
    write_challenger(place, replace(stored.metadata, champion=champion), stored.model)
    return place


@pytest.fixture
def monitored(ready_home):
    """A home whose champion and challenger may score a session whose returns are known on the last one."""
    return with_challenger(ready_home)


def test_the_log_states_drift_data_and_alerts_and_the_day_is_published(published_home):
    log = json.loads(day_bytes(published_home)["monitoring_log.json"])
    columns = {one["column"] for one in log["health"]["drift"]}
    assert {"momentum_1m", "volatility_21", "score"} <= columns
    assert log["health"]["data"]["universe"] == log["data_quality"]["universe_size"]
    assert log["status"] == "published"
    assert {alert["name"] for alert in log["alerts"]} <= {"feature_drift", "feature_drift_single"}
    asked = afterclose("sql", "SELECT count(*) AS n FROM drift", "--json", home=published_home)
    assert json.loads(asked.stdout)["rows"] == [{"n": len(columns)}]


def test_a_defect_of_the_measurement_is_an_alert_and_costs_no_day(ready_home, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(task, "data_figures", broken)

    assert run_day(ready_home).folder is not None

    (alert,) = json.loads(day_bytes(ready_home)["monitoring_log.json"])["alerts"]
    assert (alert["name"], alert["retrain"]) == ("not_measured", False)
    assert "ZeroDivisionError" in alert["detail"]


def test_the_challenger_is_scored_alongside_the_day_and_changes_no_byte_of_it(published_home):
    without = day_bytes(published_home)
    place = with_challenger(published_home)

    run_day(published_home)

    assert {
        name: content for name, content in day_bytes(published_home).items() if name != "manifest.json"
    } == {name: content for name, content in without.items() if name != "manifest.json"}
    stored = json.loads((place.shadow / f"{LAST_SESSION}.json").read_bytes())["scored"]
    signals = json.loads(without["signals.json"])["scores"]
    assert stored["model"] == "rival"
    assert stored["scores"] == {symbol: one["exact"] for symbol, one in signals.items()}


def test_its_skill_is_known_when_the_returns_are_and_is_compared_with_the_champion(monitored):
    home = monitored.root
    run_day(home, EARLIER)
    log = monitored.day_folder(EARLIER) / "monitoring_log.json"
    record = json.loads(log.read_bytes())  # what a champion that was confirmed has
    record["model_health"] |= {
        "statistic": {"entry": "next_open", "horizon_sessions": 5, "controls": ["sector"]}
    }
    record["model_health"]["metrics"] |= {"neutral_ic": 0.1, "neutral_ic_se": 0.02, "sessions": 100}
    log.write_text(json.dumps(record))

    run_day(home)

    realised = json.loads(day_bytes(home)["monitoring_log.json"])["health"]["realised"]
    shadow = json.loads((monitored.shadow / f"{LAST_SESSION}.json").read_bytes())["realised"]
    assert [one["session"] for one in realised] == [one["session"] for one in shadow] == [str(EARLIER)]
    assert np.isfinite(realised[0]["neutral_ic"])
    compared = json.loads(afterclose("champion", "compare", "--json", home=home).stdout)
    assert compared["scored"] == 2


def test_a_damaged_challenger_is_logged_and_stops_nothing(monitored, caplog):
    (monitored.production / "challenger" / "champion_metadata.json").write_text("{}")

    with caplog.at_level(logging.WARNING):
        assert run_day(monitored.root).folder is not None

    assert "The challenger was not scored" in caplog.text
    assert not monitored.shadow.exists()
