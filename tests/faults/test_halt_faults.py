"""The kill switch holds to the last moment before a day is published."""

import csv
import json
import logging
import shutil
from datetime import UTC, datetime
from threading import Thread

import pytest
import yaml

from tasks.core import atomic
from tasks.core.errors import SafetyError, StorageError
from tasks.core.homes.home import Home
from tasks.reporting import task as reporting
from tasks.safety.kill_switch import switch as kill_switch
from tasks.safety.kill_switch.switch import read_switch, trip_switch
from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    SMALL_MARKET,
    afterclose,
    fill_as_proposed,
    run_day,
    tree_bytes,
)


class StopWhenChecked(logging.Handler):
    """Somebody creates live/STOP right after the day was checked."""

    def __init__(self, home):
        super().__init__()
        self.home = home

    def emit(self, record):
        if record.getMessage().startswith("check_day done"):
            (self.home / "live" / "STOP").touch()


def test_a_trip_that_has_ended_is_never_followed_by_a_day(ready_home, monkeypatch):
    home = Home(ready_home)
    write_day, seen = reporting.publish_folder, []

    def trip():
        trip_switch(home, "Ann", "fraud", datetime.now(UTC))
        seen.append(home.day_folder(LAST_SESSION).exists())

    def tripped_meanwhile(*arguments):
        somebody.start()
        somebody.join(timeout=0.5)  # let a trip through that waits for nobody
        return write_day(*arguments)

    somebody = Thread(target=trip)
    monkeypatch.setattr(reporting, "publish_folder", tripped_meanwhile)
    run_day(ready_home)
    somebody.join()

    assert seen == [True]
    assert read_switch(home).is_on


def test_a_switch_that_is_tripped_after_the_checks_still_keeps_the_day_from_being_published(ready_home):
    stages = logging.getLogger("tasks.core.stage")
    stages.setLevel(logging.INFO)
    stop = StopWhenChecked(ready_home)
    stages.addHandler(stop)

    try:
        with pytest.raises(SafetyError, match="halted while it was being written"):
            run_day(ready_home)
    finally:
        stages.removeHandler(stop)

    assert not (ready_home / "live" / str(LAST_SESSION)).exists()


@pytest.mark.slice
@pytest.mark.parametrize(
    "moment", [(reporting, "open_portfolio"), (atomic, "_sync_tree"), (atomic, "_exchange")]
)
@pytest.mark.parametrize("published_before", [False, True])
def test_a_run_that_hung_with_the_switch_s_lock_does_not_publish_after_the_trip(
    ready_home, monkeypatch, moment, published_before
):
    home, module, step = Home(ready_home), *moment
    if published_before:
        run_day(ready_home)
    before = {path.name: path.read_bytes() for path in home.day_folder(LAST_SESSION).glob("*")}
    continued, problems = getattr(module, step), []
    monkeypatch.setattr(kill_switch, "LOCK_WAIT_S", 0.05)

    def tripped_meanwhile(*arguments, **named):
        at_the_day = step == "open_portfolio" or f".{LAST_SESSION}." in str(arguments[0])
        if at_the_day and not home.stop_file.exists():
            problems.extend(trip_switch(home, "Ann", "fraud", datetime.now(UTC)).problems)
        return continued(*arguments, **named)

    monkeypatch.setattr(module, step, tripped_meanwhile)

    with pytest.raises(SafetyError, match="halted while it was being written"):
        run_day(ready_home)

    assert "live/STOP" in problems[0]
    assert {path.name: path.read_bytes() for path in home.day_folder(LAST_SESSION).glob("*")} == before
    assert home.performance_file.exists() == published_before


@pytest.mark.parametrize("step", ["open_portfolio", "publish_folder"])
def test_a_home_that_is_put_in_the_place_of_a_moved_one_gets_nothing_of_the_run(
    ready_home, monkeypatch, step
):
    continued, other = getattr(reporting, step), []

    def replaced_meanwhile(*arguments, **named):
        done = continued(*arguments, **named)
        aside = ready_home.with_name("aside")
        ready_home.rename(aside)
        shutil.copytree(aside, ready_home)
        other.append(tree_bytes(ready_home / "live"))
        return done

    monkeypatch.setattr(reporting, step, replaced_meanwhile)

    with pytest.raises(StorageError, match="was moved or replaced during the run"):
        run_day(ready_home)

    assert tree_bytes(ready_home / "live") == other[0]


@pytest.fixture
def home(begun_home):
    """A home that holds what its first day proposed."""
    fill_as_proposed(begun_home, SESSION_BEFORE)
    return Home(begun_home)


def panic(home, **regime):
    """Make the market's volatility one that halts new risk and, by R2, halves what may be invested."""
    settings = SMALL_MARKET | {
        "safety": {"kill_volatility": 1.0, "kill_daily_loss_frac": 0.5},  # the only cause is the volatility
        "regime": {"reduce_above_volatility": 1.0} | regime,
    }
    home.config_file.write_text(yaml.safe_dump(settings))


def lines_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# issue 10, line 6
def test_a_volatility_that_halts_new_risk_lets_the_halving_of_the_portfolio_through(home):
    panic(home)

    result = afterclose("daily", "--date", str(LAST_SESSION), home=home.root)

    assert result.returncode == 0, result.stderr
    assert "sells only" in result.stdout
    folder = home.day_folder(LAST_SESSION)
    trades = lines_of(folder / "trades.csv")
    assert trades
    assert {trade["side"] for trade in trades} == {"SELL"}
    weights = [line for line in lines_of(folder / "portfolio_weights.csv") if line["symbol"] != "CASH"]
    assert all(float(line["weight"]) <= float(line["current_weight"]) + 1e-9 for line in weights)
    assert sum(float(line["weight"]) for line in weights) <= 0.5 + 1e-6
    log = json.loads((folder / "monitoring_log.json").read_text())
    assert log["status"] == "reductions_only"
    assert {check["name"] for check in log["checks"] if check["outcome"] == "failed"} == {
        "volatility",
        "kill_switch",
    }
    assert "Nothing is bought until a named person resets it" in (folder / "report.html").read_text()
    assert [trip.event.cause for trip in read_switch(home).trips] == ["volatility"]


# issue 10, line 6
def test_a_daily_loss_publishes_no_purchase_until_a_person_resets_it(home):
    rows = home.performance_file.read_text().replace("1000000.00", "1100000.00")
    home.performance_file.write_text(rows)

    day = run_day(home.root)

    assert {trade["side"] for trade in lines_of(day.folder / "trades.csv")} <= {"SELL"}
    assert read_switch(home).allows_reductions
    said = ("--by", "Ann", "--reason", "the index fell as much")
    assert afterclose("kill-switch", "reset", *said, home=home.root).returncode == 0
    again = run_day(home.root)
    assert json.loads((again.folder / "monitoring_log.json").read_text())["status"] == "published"


# issue 10, line 6
@pytest.mark.parametrize("by", ["a command", "live/STOP"])
def test_a_halt_by_hand_lets_nothing_through_not_even_with_a_rule(home, by):
    panic(home)
    if by == "a command":
        afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "broker calls", home=home.root)
    else:
        home.stop_file.touch()

    with pytest.raises(SafetyError, match="is blocked"):
        run_day(home.root)

    assert not home.day_folder(LAST_SESSION).exists()
