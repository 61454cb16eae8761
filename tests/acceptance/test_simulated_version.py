"""Which version of the simulated market a lake holds is stored with it, and never changes."""

import json
import logging
from datetime import date
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.data.intake import simulated_version as rule
from tasks.data.lake.head import read_head
from tasks.data.schema.records import NEWEST_SIMULATION
from tasks.data.task import refresh_market
from tests.builders import make_run
from tests.homes import afterclose, configure

pytestmark = pytest.mark.slice

FIRST, DAY, NEXT = date(2022, 1, 3), date(2023, 3, 9), date(2023, 3, 10)
MARKET = {"symbols": 20, "first_session": str(FIRST), "seed": 7, "information_coefficient": 0.05}


def run_of(home: Path, day: date = DAY, version: int | None = None) -> Run:
    settings = {f"data.simulated.{name}": value for name, value in MARKET.items()}
    return make_run(home, day, **settings, **{"data.simulated.version": version})


def held(home: Path) -> int | None:
    head = read_head(Home(home).lake)
    assert head is not None
    return head.simulated_version


def as_of_the_first_release(home: Path) -> None:
    """Take the version away, as in a lake that the first release wrote."""
    path = Home(home).lake / "head.json"
    head = json.loads(path.read_text())
    del head["simulated_version"]
    path.write_text(json.dumps({**head, "schema_version": 3}))


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of the first release, after which version 2 became the newest."""
    refresh_market(run_of(tmp_path, version=1))
    as_of_the_first_release(tmp_path)
    monkeypatch.setattr(rule, "NEWEST_SIMULATION", 2)
    return tmp_path


@pytest.mark.parametrize("version", [1, 2])
def test_a_new_lake_stores_the_version_of_the_settings(version, tmp_path):
    refresh_market(run_of(tmp_path, version=version))

    assert held(tmp_path) == version


def test_a_new_lake_gets_the_newest_version(tmp_path):
    refresh_market(run_of(tmp_path))

    assert held(tmp_path) == NEWEST_SIMULATION


def test_an_older_home_keeps_its_market_and_is_reported_once_per_run(older, tmp_path_factory, caplog):
    whole = tmp_path_factory.mktemp("whole")
    expected = refresh_market(run_of(whole, NEXT, version=1))

    with caplog.at_level(logging.WARNING):
        market = refresh_market(run_of(older, NEXT))

    assert market.snapshot.id == expected.snapshot.id
    assert held(older) == 1
    found = [record.getMessage() for record in caplog.records if "simulated market" in record.getMessage()]
    note = "this lake holds version 1 of the simulated market, which it keeps; the newest is 2"
    assert found == [f"{note}. {rule.OLDER_REMEDY}"]


@pytest.mark.parametrize("day", [DAY, NEXT])
def test_another_version_in_the_settings_is_refused_before_anything_is_written(older, day):
    before = (Home(older).lake / "head.json").read_bytes()

    with pytest.raises(
        ConfigError, match="version 1 of the simulated market; version 2 would be mixed into it"
    ) as found:
        refresh_market(run_of(older, day, version=2))

    assert "afterclose init DIR --simulated" in found.value.remedy
    assert (Home(older).lake / "head.json").read_bytes() == before


def test_a_version_of_the_lake_may_be_written_into_the_settings(older):
    refresh_market(run_of(older, NEXT, version=1))

    assert held(older) == 1


def test_other_providers_have_no_version(tmp_path):
    run = make_run(tmp_path, **{"data.provider": "files", "data.files.path": tmp_path})

    assert rule.simulated_version(None, run.settings) is None


def test_doctor_and_status_name_the_older_market_and_what_to_do(older):
    configure(older, {"data": {"simulated": MARKET}})

    doctor, status = afterclose("doctor", home=older), afterclose("data", "status", home=older)

    for found in (doctor, status):
        assert "holds version 1 of the simulated market, which it keeps; the newest is 2" in found.stdout
    assert rule.OLDER_REMEDY in status.stdout


def test_doctor_fails_on_another_version_in_the_settings(older):
    configure(older, {"data": {"simulated": {**MARKET, "version": 2}}})

    found = afterclose("doctor", home=older)

    assert found.returncode == 2
    assert "Remove data.simulated.version from the settings, or set it to 1" in found.stdout
