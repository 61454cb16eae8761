"""A vacuum deletes compacted files and leftovers of a crash, and retains the data of published days."""

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.data.intake.imports import import_folder
from tasks.data.lake import commits
from tasks.data.lake.delta import open_table
from tasks.data.lake.head import read_head, superseded_heads
from tasks.data.lake.store import id_of_snapshot
from tasks.data.schema.records import Market
from tasks.data.upkeep.vacuum import vacuum_lake
from tests.acceptance.test_data_store import CrashError, dying_at
from tests.deliveries import days_of, make_delivery, refresh, small_run
from tests.unit.data.folders import write_folder

pytestmark = pytest.mark.slice

DELIVERY = make_delivery(sessions=30)
*_, DAY_BEFORE, LAST = days_of(DELIVERY)


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Market]]:
    """Return a home whose files were compacted several times, and the market of each of its days."""
    home = tmp_path_factory.mktemp("worn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, "MAX_FILES", 2)
        markets = [refresh(patch, home, DELIVERY, day) for day in days_of(DELIVERY)[-6:-1]]
    return home, markets


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the snapshot id of the last day on a lake that took everything in at once."""
    with pytest.MonkeyPatch.context() as patch:
        return refresh(patch, tmp_path_factory.mktemp("whole"), DELIVERY).snapshot.id


@pytest.fixture
def home(worn: tuple[Path, list[Market]], tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(worn[0], tmp_path / "home")))


def days_in(markets: list[Market]) -> dict[date, str]:
    return {market.snapshot.session: market.snapshot.id for market in markets}


def parquet_files(lake: Path) -> set[str]:
    return {str(path.relative_to(lake)) for path in lake.rglob("*.parquet") if "_delta_log" not in path.parts}


def named_files(lake: Path) -> set[str]:
    head = read_head(lake)
    assert head is not None
    return {
        str(Path(uri).relative_to(lake))
        for name, version in head.versions.items()
        for uri in open_table(lake, name, version).file_uris()
    }


def test_only_files_that_the_head_names_remain_and_the_freed_bytes_are_reported(home, worn):
    before = sum(path.stat().st_size for path in home.lake.rglob("*") if path.is_file())

    vacuumed = vacuum_lake(home.lake, days_in(worn[1]))

    after = sum(path.stat().st_size for path in home.lake.rglob("*") if path.is_file())
    assert parquet_files(home.lake) == named_files(home.lake)
    assert vacuumed.freed_bytes == before - after > 0
    assert vacuumed.size_bytes == after
    assert vacuumed.days_kept == tuple(days_of(DELIVERY)[-6:-1])
    assert vacuumed.days_unknown == ()


def test_every_day_reads_the_same_after_a_vacuum_and_the_next_refresh_goes_on(home, worn, whole, monkeypatch):
    vacuum_lake(home.lake, days_in(worn[1]))

    for market in worn[1]:
        again = refresh(monkeypatch, home.root, DELIVERY, market.snapshot.session)
        assert replace(again, snapshot=market.snapshot) == market
    assert refresh(monkeypatch, home.root, DELIVERY).snapshot.id == whole


def test_a_second_vacuum_finds_nothing_to_free(home):
    vacuum_lake(home.lake, {})
    files = parquet_files(home.lake)

    vacuumed = vacuum_lake(home.lake, {})

    assert vacuumed.freed_bytes == 0
    assert parquet_files(home.lake) == files


def test_what_a_crashed_refresh_left_is_freed(home, monkeypatch):
    vacuum_lake(home.lake, {})
    sound = parquet_files(home.lake)
    with dying_at("write_head", 1, after=False), pytest.raises(CrashError):
        refresh(monkeypatch, home.root, DELIVERY)
    assert parquet_files(home.lake) > sound

    vacuum_lake(home.lake, {})

    assert parquet_files(home.lake) == sound


def test_a_refresh_continues_after_a_killed_refresh_and_a_killed_vacuum(home, whole, monkeypatch):
    with suppress(CrashError), dying_at("write_head", 1, after=False):
        refresh(monkeypatch, home.root, DELIVERY)
    with suppress(CrashError), dying_at("write_head", 1, after=False):
        vacuum_lake(home.lake, {})

    assert refresh(monkeypatch, home.root, DELIVERY).snapshot.id == whole


@pytest.mark.parametrize(
    ("boundary", "after"),
    [
        ("_at_version", False),
        ("sync_commits", True),
        ("write_head", False),
        ("write_head", True),
        pytest.param("_at_version", True, marks=pytest.mark.prove),
        pytest.param("sync_commits", False, marks=pytest.mark.prove),
    ],
)
def test_a_killed_vacuum_is_harmless_and_completes_when_run_again(
    boundary, after, home, worn, whole, monkeypatch
):
    for nth in (1, 5):
        with suppress(CrashError), dying_at(boundary, nth, after=after):
            vacuum_lake(home.lake, days_in(worn[1]))
        last = worn[1][-1]
        assert refresh(monkeypatch, home.root, DELIVERY, DAY_BEFORE).snapshot.id == last.snapshot.id

    assert vacuum_lake(home.lake, days_in(worn[1])).days_kept == tuple(days_of(DELIVERY)[-6:-1])
    assert parquet_files(home.lake) == named_files(home.lake)
    assert refresh(monkeypatch, home.root, DELIVERY).snapshot.id == whole


def test_a_day_on_data_that_was_never_here_is_named_and_stops_nothing(home):
    vacuumed = vacuum_lake(home.lake, {DAY_BEFORE: "0" * 64, LAST: "0" * 64})

    assert vacuumed.days_unknown == (DAY_BEFORE, LAST)


def test_an_empty_lake_is_an_error(tmp_path):
    with pytest.raises(DataError, match="The lake is empty"):
        vacuum_lake(tmp_path, {})


@pytest.fixture(scope="module")
def imported_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str, str]:
    """Return a home whose last session was imported, published on, and imported again with a corrected price.

    Read-only: tests use `imported_again`.
    """
    root = tmp_path_factory.mktemp("twice")
    home, folder = Home(root / "home"), root / "files"
    ids = []
    for factor in (1.0, 1.004):
        bars = DELIVERY.bars.copy()
        bars.loc[bars.index[-1], "high"] *= factor
        write_folder(folder, replace(DELIVERY, bars=bars))
        import_folder(small_run(home.root), folder)
        head = read_head(home.lake)
        assert head is not None
        ids.append(id_of_snapshot(home.lake, head, LAST))
    return home, ids[0], ids[1]


@pytest.fixture
def imported_again(imported_twice: tuple[Home, str, str], tmp_path: Path) -> tuple[Home, str, str]:
    home, old, new = imported_twice
    return Home(Path(shutil.copytree(home.root, tmp_path / "home"))), old, new


def test_a_session_that_was_imported_again_can_still_be_read_as_it_was(imported_again):
    home, old, new = imported_again
    (before,) = superseded_heads(home.lake).values()

    vacuumed = vacuum_lake(home.lake, {LAST: old})

    assert old != new
    assert vacuumed.days_kept == (LAST,)
    (kept,) = superseded_heads(home.lake).values()
    assert kept == before
    assert id_of_snapshot(home.lake, kept, LAST) == old


def test_the_replaced_data_of_a_session_is_deleted_when_no_day_needs_it(imported_again):
    home, _, new = imported_again

    vacuumed = vacuum_lake(home.lake, {LAST: new})

    assert vacuumed.days_kept == (LAST,)
    assert superseded_heads(home.lake) == {}
    assert parquet_files(home.lake) == named_files(home.lake)
