"""A home whose lake is in a bucket is backed up completely and restored there, to a directory, or to another bucket."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.setup import set_up
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.bucket import BucketFiles
from tasks.data.lake.storage.location import files_of
from tasks.data.schema.records import Bucket
from tasks.data.upkeep.backup import back_up, restore
from tests.deliveries import days_of, make_delivery, refresh
from tests.homes import tree_bytes

pytestmark = pytest.mark.bucket

AT = datetime(2024, 6, 14, 21, 5, tzinfo=UTC)
DELIVERY = make_delivery(sessions=14, symbols=4)
*_, DAY_BEFORE, LAST = days_of(DELIVERY)
LAKE = "data/lake/"


@pytest.fixture
def book(bucket_lake, tmp_path, monkeypatch):
    """A home with one published file and a lake in a bucket."""
    home = Home(tmp_path / "home")
    refresh(monkeypatch, home.root, DELIVERY, DAY_BEFORE, **{"data.lake": bucket_lake})
    with exclusive(home.lock_file, doing="test"):
        set_up(home)
    (home.live / "current_positions.csv").write_text("symbol,shares\n")
    return home


@pytest.fixture
def archive(book, bucket_lake, tmp_path):
    return back_up(book, tmp_path / "vault", lake=Bucket(bucket_lake), at=AT).path


def objects_in(lake: str) -> dict[str, bytes]:
    objects = BucketFiles(Bucket(lake))
    found = {name: objects.read(name) for name in objects.names()}
    return {name: content.data for name, content in found.items() if content is not None}


def destroy(lake: str) -> None:
    objects = BucketFiles(Bucket(lake))
    objects.remove_all(objects.names())


def test_a_portfolio_whose_home_and_bucket_were_destroyed_comes_back_and_goes_on(
    book, bucket_lake, archive, tmp_path, monkeypatch
):
    lake, live = objects_in(bucket_lake), tree_bytes(book.live)
    undisturbed = refresh(monkeypatch, tmp_path / "undisturbed", DELIVERY, LAST)
    destroy(bucket_lake)
    new = Home(tmp_path / "another home")

    restored = restore(new, archive, replace=False, lake=bucket_lake)

    assert objects_in(bucket_lake) == lake
    assert tree_bytes(new.live) == live
    assert restored.lake == bucket_lake
    assert not new.lake.exists()
    assert not new.stop_file.exists()
    market = refresh(monkeypatch, new.root, DELIVERY, LAST, **{"data.lake": bucket_lake})
    assert market.snapshot.id == undisturbed.snapshot.id


@pytest.mark.prove
def test_a_backup_leaves_no_copy_of_the_lake_behind(book, archive):
    assert not any("lake" in name or ".backup" in name for name in tree_bytes(book.root))


@pytest.mark.prove
def test_a_lake_moves_into_a_folder_and_into_a_bucket_by_its_archive(
    book, bucket_lake, object_store, archive, tmp_path
):
    lake = objects_in(bucket_lake)
    here, there = Home(tmp_path / "here"), object_store.new_lake()

    restore(here, archive, replace=False, lake="home")
    with_folder = back_up(here, tmp_path / "out", lake=here.lake, at=AT).path
    restore(Home(tmp_path / "there"), with_folder, replace=False, lake=there)

    assert {
        name.removeprefix(LAKE): data for name, data in tree_bytes(here.root).items() if LAKE in name
    } == lake
    assert objects_in(there) == lake


@pytest.mark.prove
def test_a_lake_that_is_not_in_use_is_not_backed_up(book, bucket_lake, tmp_path):
    book.lake.mkdir(parents=True)
    (book.lake / "old.parquet").write_text("before the lake moved")

    listing = back_up(book, tmp_path / "out", lake=Bucket(bucket_lake), at=AT).listing

    assert {entry.path for entry in listing.files if entry.path.startswith(LAKE)} == {
        f"{LAKE}{name}" for name in objects_in(bucket_lake)
    }


@pytest.mark.prove
def test_a_bucket_that_holds_something_is_given_up_only_when_asked(
    bucket_lake, archive, tmp_path, monkeypatch, book
):
    lake = objects_in(bucket_lake)
    refresh(monkeypatch, book.root, DELIVERY, LAST, **{"data.lake": bucket_lake})
    later, home = objects_in(bucket_lake), Home(tmp_path / "new")

    with pytest.raises(ConfigError, match="is not empty") as caught:
        restore(home, archive, replace=False, lake=bucket_lake)

    assert "--replace" in caught.value.remedy
    assert not home.live.exists()
    assert objects_in(bucket_lake) == later
    restore(home, archive, replace=True, lake=bucket_lake)
    assert objects_in(bucket_lake) == lake


@pytest.mark.parametrize("nth", [pytest.param(0, marks=pytest.mark.prove), 3])
def test_a_restore_that_loses_its_bucket_halts_and_comes_through_when_run_again(
    nth, bucket_lake, archive, tmp_path, monkeypatch
):
    lake, home, upload = objects_in(bucket_lake), Home(tmp_path / "new"), BucketFiles.upload
    uploaded: list[str] = []

    def losing(objects: BucketFiles, name: str, source: Path) -> None:
        if len(uploaded) == nth:
            raise StorageError("The network is down.", remedy="Fix it.")
        uploaded.append(name)
        upload(objects, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(BucketFiles, "upload", losing)
        with pytest.raises(StorageError, match="The network is down") as caught:
            restore(home, archive, replace=True, lake=bucket_lake)

    assert "restore with --replace" in caught.value.remedy
    assert home.stop_file.exists()
    assert "head.json" not in files_of(Bucket(bucket_lake)).names()
    restore(home, archive, replace=True, lake=bucket_lake)
    assert objects_in(bucket_lake) == lake
    assert not home.stop_file.exists()
    assert read_head(Bucket(bucket_lake)) is not None


def test_an_archive_does_not_choose_the_bucket_of_a_restore(bucket_lake, archive, tmp_path):
    home, lake = Home(tmp_path / "new"), objects_in(bucket_lake)

    with pytest.raises(ConfigError, match=f"was in {bucket_lake}") as caught:
        restore(home, archive, replace=True)

    assert f"--lake {bucket_lake}" in caught.value.remedy
    assert objects_in(bucket_lake) == lake
    assert not home.live.exists()


def test_a_prefix_with_other_files_is_never_overwritten(bucket_lake, archive, tmp_path):
    BucketFiles(Bucket(bucket_lake)).write("family/photo.jpg", b"dear", over=None)
    before = objects_in(bucket_lake)

    with pytest.raises(ConfigError, match=r"family/photo\.jpg, which is not part of a lake"):
        restore(Home(tmp_path / "new"), archive, replace=True, lake=bucket_lake)

    assert objects_in(bucket_lake) == before
