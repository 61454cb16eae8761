"""The lake at a glance: the same names as the day's own market, and nothing written."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from tasks.core.homes.home import Home
from tasks.data.intake import update
from tasks.data.schema.records import Market
from tasks.data.upkeep.status import LakeStatus, describe_lake
from tests.builders import FRIDAY
from tests.deliveries import days_of, make_delivery, refresh, scaled, small_run, without_bars
from tests.homes import tree_bytes

AT = datetime(2024, 6, 14, 21, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Market]:
    """Return a home with a unit error on the last session but two, a missing bar, and a session without trades."""
    base = make_delivery(sessions=60, symbols=12)
    days = days_of(base)
    base = scaled(base, "S04", days[-3], 10.0)
    session = base.bars["session"]
    quiet = (base.bars["symbol"] == "S07") & (session > pd.Timestamp(days[20]))
    nobody = session == pd.Timestamp(days[30])
    home = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update, "now", lambda: AT)
        refresh(patch, home, without_bars(base, ~quiet & ~nobody), days[40])
        market = refresh(patch, home, without_bars(base, ~quiet & ~nobody))
    return home, market


def status_of(home: Path) -> LakeStatus:
    status = describe_lake(Home(home), small_run(home).settings)
    assert status is not None
    return status


def test_an_empty_home_has_no_lake(tmp_path):
    assert describe_lake(Home(tmp_path), small_run(tmp_path).settings) is None


def test_what_is_held(filled):
    home, _ = filled
    days = days_of(make_delivery(sessions=60))

    status = status_of(home)

    assert (status.provider, status.revision, status.symbols) == ("simulated", 2, 12)
    assert (status.first_session, status.last_session) == (days[0], FRIDAY)
    assert status.missing_sessions == (days[30],)
    assert status.refreshed_at == AT
    assert {table.name: table.rows for table in status.tables}["bars"] == 59 * 12 - 1 - 38
    assert status.size_bytes == sum(map(len, tree_bytes(home / "data" / "lake").values()))


def test_findings_by_rule(filled):
    assert status_of(filled[0]).findings == {"no_bar": 1, "no_session": 1, "unit_error": 1}


def test_universe_quarantine_and_snapshot_are_those_of_the_days_market(filled):
    home, market = filled

    status = status_of(home)

    assert status.universe == market.universe_size == 10
    assert status.quarantined == market.quarantined == ("S04",)
    assert status.snapshot == market.snapshot.id


def test_looking_writes_nothing(filled):
    before = tree_bytes(filled[0])

    status_of(filled[0])

    assert tree_bytes(filled[0]) == before


def test_a_lake_of_an_older_release_does_not_know_when_it_was_refreshed(tmp_path, monkeypatch):
    refresh(monkeypatch, tmp_path, make_delivery(sessions=20), date(2024, 6, 13))
    head = tmp_path / "data" / "lake" / "head.json"
    record = json.loads(head.read_text())
    older = {key: value for key, value in record.items() if key not in ("refreshed_at", "files")}
    head.write_text(json.dumps({**older, "schema_version": 1}))

    assert status_of(tmp_path).refreshed_at is None
