"""A lake of an older release is read as it is and brought forward by the next refresh; one of a newer is refused."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tasks.core.errors import DataError
from tasks.data.lake import commits, store
from tasks.data.lake.head import read_head
from tasks.data.lake.migrations import SCHEMA_VERSION, STEPS
from tasks.data.lake.store import read_table
from tasks.data.panel.reader import read_panel
from tasks.data.schema.tables import SPECS, with_all_columns
from tests.acceptance.test_data_store import CrashError, assert_same_panel, dying_at
from tests.deliveries import days_of, make_delivery, refresh

DELIVERY = make_delivery(sessions=30)
*_, DAY_BEFORE, LAST = days_of(DELIVERY)


def as_version_1(head: dict[str, Any]) -> dict[str, Any]:
    """Take away what version 2 added."""
    del head["refreshed_at"]
    return head


def as_version_2(head: dict[str, Any]) -> dict[str, Any]:
    """Take away what version 3 added."""
    del head["files"]
    return head


def as_version_3(head: dict[str, Any]) -> dict[str, Any]:
    """Take away what version 4 added."""
    del head["simulated_version"]
    return head


OLDER = {1: as_version_1, 2: as_version_2, 3: as_version_3}


def age(home: Path, version: int) -> None:
    """Put the lake's head into the form of an older version."""
    path = home / "data" / "lake" / "head.json"
    head = json.loads(path.read_text())
    for step in range(SCHEMA_VERSION - 1, version - 1, -1):
        head = OLDER[step](head)
    path.write_text(json.dumps({**head, "schema_version": version}))


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("today")
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, home, DELIVERY, DAY_BEFORE)
    return home


@pytest.fixture
def home(today: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(today, tmp_path / "home"))


def stored_version(home: Path) -> int:
    return int(json.loads((home / "data" / "lake" / "head.json").read_text())["schema_version"])


def test_there_is_a_step_and_an_aged_lake_for_every_older_version():
    assert sorted(STEPS) == sorted(OLDER) == list(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("version", OLDER)
def test_an_older_lake_reads_as_ever_and_is_not_touched_by_reading(version, home, monkeypatch):
    young = refresh(monkeypatch, home, DELIVERY, DAY_BEFORE)
    age(home, version)

    old = refresh(monkeypatch, home, DELIVERY, DAY_BEFORE)

    assert old == young
    assert_same_panel(read_panel(old.snapshot, window=None), read_panel(young.snapshot, window=None))
    assert stored_version(home) == version


@pytest.mark.parametrize("version", OLDER)
def test_the_next_refresh_brings_an_older_lake_forward(version, home, tmp_path, monkeypatch):
    whole = refresh(monkeypatch, tmp_path / "whole", DELIVERY)
    age(home, version)

    market = refresh(monkeypatch, home, DELIVERY)

    assert market.snapshot.id == whole.snapshot.id
    assert stored_version(home) == SCHEMA_VERSION
    head, expected = (read_head(place / "data" / "lake") for place in (home, tmp_path / "whole"))
    assert head is not None
    assert expected is not None
    assert asdict(head).keys() == asdict(expected).keys()
    assert head.rows == expected.rows
    assert head.refreshed_at is not None


@pytest.mark.slice
@pytest.mark.parametrize("version", OLDER)
@pytest.mark.parametrize(("boundary", "after"), [("_append", True), ("write_head", False)])
def test_an_interrupted_migration_leaves_the_older_lake(version, boundary, after, home, monkeypatch):
    age(home, version)
    before = (home / "data" / "lake" / "head.json").read_bytes()
    with dying_at(boundary, 1, after=after), pytest.raises(CrashError):
        refresh(monkeypatch, home, DELIVERY)

    assert (home / "data" / "lake" / "head.json").read_bytes() == before
    assert refresh(monkeypatch, home, DELIVERY).new_bars == 6
    assert stored_version(home) == SCHEMA_VERSION


def test_a_newer_lake_is_refused_and_says_what_to_run(home, monkeypatch):
    path = home / "data" / "lake" / "head.json"
    head = json.loads(path.read_text())
    path.write_text(json.dumps({**head, "schema_version": SCHEMA_VERSION + 1, "something": "new"}))
    before = path.read_bytes()

    with pytest.raises(
        DataError, match=rf"schema version {SCHEMA_VERSION + 1}.*Run the release that wrote it"
    ):
        refresh(monkeypatch, home, DELIVERY)

    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [0, -1, "one", None])
def test_a_version_that_never_was_is_damage(version, home, monkeypatch):
    path = home / "data" / "lake" / "head.json"
    head = json.loads(path.read_text())
    path.write_text(json.dumps({**head, "schema_version": version}))

    with pytest.raises(DataError, match="cannot be used"):
        refresh(monkeypatch, home, DELIVERY)


def test_a_column_that_a_later_release_added_is_empty_in_older_rows(home):
    lake = home / "data" / "lake"
    head = read_head(lake)
    assert head is not None
    rows = read_table(lake, head.versions, "listings")
    older = rows.drop(columns=["cap_class", "available_date"])

    brought = with_all_columns(older, "listings")

    assert set(brought.columns) == set(rows.columns)
    assert brought["cap_class"].tolist() == [""] * len(rows)
    assert brought["available_date"].isna().all()
    assert brought.dtypes.to_dict() == rows.dtypes.to_dict()
    pd.testing.assert_frame_equal(brought[older.columns], older)


def test_a_column_that_is_new_is_stored_alongside_older_rows(home, monkeypatch):
    lake = home / "data" / "lake"
    head = read_head(lake)
    assert head is not None
    older = read_table(lake, head.versions, "lives")
    spec = SPECS["lives"]
    monkeypatch.setitem(SPECS, "lives", replace(spec, columns={**spec.columns, "source": "text"}))
    store._stored_table.cache_clear()  # another release is another process

    version = commits._append(lake, "lives", older.assign(source="exchange"), head.versions["lives"], 2)

    assert read_table(lake, head.versions, "lives")["source"].tolist() == [""] * len(older)
    both = read_table(lake, {"lives": version}, "lives").sort_values("revision")
    assert both["source"].tolist() == [""] * len(older) + ["exchange"] * len(older)
