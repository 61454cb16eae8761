"""A lake in a bucket equals the lake in a folder: same snapshots, same panels, whatever is interrupted."""

from contextlib import suppress
from datetime import date

import pytest

from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.data.lake import commits, store
from tasks.data.lake.head import read_head, superseded_heads
from tasks.data.lake.storage.location import files_of
from tasks.data.panel.reader import read_panel
from tasks.data.providers.base import Delivery
from tasks.data.schema.records import Bucket
from tasks.data.upkeep.status import describe_lake
from tasks.data.upkeep.vacuum import vacuum_lake
from tasks.data.upkeep.verify import verify_lake
from tests.acceptance.test_data_store import (
    CrashError,
    assert_same_panel,
    commit_day,
    dying_at,
    id_of,
)
from tests.deliveries import days_of, make_delivery, refresh, small_run

pytestmark = pytest.mark.bucket

WHOLE = make_delivery(sessions=20)
FEW_TABLES = Delivery(bars=WHOLE.bars, actions=WHOLE.actions, levels=WHOLE.levels)
*_, DAY_BEFORE, LAST = days_of(WHOLE)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The snapshot id of each day, as a lake in a folder has it."""
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    commit_day(lake, FEW_TABLES, LAST)
    return {day: id_of(lake, day) for day in (DAY_BEFORE, LAST)}


def last_session_of(lake: Bucket) -> date | None:
    head = read_head(lake)
    return head.last_session if head else None


def test_two_refreshes_give_the_snapshots_and_panels_that_a_folder_gives(bucket_lake, tmp_path, monkeypatch):
    for day in (DAY_BEFORE, LAST):
        there = refresh(monkeypatch, tmp_path / "a", WHOLE, day, **{"data.lake": bucket_lake})
        here = refresh(monkeypatch, tmp_path / "b", WHOLE, day)

        assert there.snapshot.id == here.snapshot.id
        assert there.findings == here.findings
        assert_same_panel(read_panel(there.snapshot, window=None), read_panel(here.snapshot, window=None))
    assert there.new_bars == 6
    assert str(there.snapshot.lake) == bucket_lake
    assert not (tmp_path / "a" / "data" / "lake").exists()


@pytest.mark.prove
def test_a_lake_in_a_bucket_is_described_verified_and_measured(bucket_lake, tmp_path, monkeypatch):
    in_bucket = {"data.lake": bucket_lake}
    market = refresh(monkeypatch, tmp_path, WHOLE, **in_bucket)
    run = small_run(tmp_path, **in_bucket)

    status = describe_lake(Home(tmp_path), run.settings)
    verified = verify_lake(run)

    assert status is not None
    assert (status.location, status.snapshot) == (bucket_lake, market.snapshot.id)
    assert status.size_bytes > 10_000
    assert verified.bars == len(WHOLE.bars)


QUICK = {(False, "_append", 2, True), (True, "_append", 2, True)}
DEATHS = [
    pytest.param(*death, marks=[] if death in QUICK else pytest.mark.prove)
    for death in [
        *(
            (is_first, "_append", nth, after)
            for is_first in (False, True)
            for nth in (1, 2, 3)
            for after in (False, True)
        ),
        *((is_first, "_compact", 1, after) for is_first in (False, True) for after in (False, True)),
        (False, "write_head", 1, False),
        (False, "write_head", 1, True),
        *((True, "write_head", nth, after) for nth in (1, 2) for after in (False, True)),
    ]
]


@pytest.mark.parametrize(("is_first", "boundary", "nth", "after"), DEATHS)
def test_fault_050_a_killed_refresh_leaves_the_old_snapshot_and_the_next_one_repairs(
    is_first, boundary, nth, after, bucket_lake, undisturbed
):
    lake = Bucket(bucket_lake)
    if not is_first:
        commit_day(lake, FEW_TABLES, DAY_BEFORE)

    with dying_at(boundary, nth, after=after), pytest.raises(CrashError):
        commit_day(lake, FEW_TABLES, LAST)
    left = last_session_of(lake)
    commit_day(lake, FEW_TABLES, LAST)

    became_real = (boundary, nth, after) == ("write_head", 2 if is_first else 1, True)
    assert left == (LAST if became_real else None if is_first else DAY_BEFORE)
    assert id_of(lake, LAST) == undisturbed[LAST]
    head = read_head(lake)
    assert head is not None
    assert head.rows["bars"] == len(store.read_table(lake, head.versions, "bars")) == len(FEW_TABLES.bars)


def parquet_files(lake: Bucket) -> set[str]:
    return {name for name in files_of(lake).names() if name.endswith(".parquet") and "_delta_log" not in name}


@pytest.mark.prove
def test_a_vacuum_frees_what_was_put_together_and_what_a_crash_left(bucket_lake, monkeypatch):
    lake = Bucket(bucket_lake)
    monkeypatch.setattr(commits, "MAX_FILES", 2)
    monkeypatch.setattr(commits, "FOREIGN_HOURS", 0)
    monkeypatch.setattr(commits, "CHECKPOINT_EVERY", 2)
    for day in days_of(FEW_TABLES)[-4:-1]:
        commit_day(lake, FEW_TABLES, day)
    with dying_at("_append", 3, after=True), suppress(CrashError):
        commit_day(lake, FEW_TABLES, LAST)
    before, snapshot = parquet_files(lake), id_of(lake, DAY_BEFORE)

    vacuumed = vacuum_lake(lake, {DAY_BEFORE: snapshot})

    assert any(name.endswith(".checkpoint.parquet") for name in files_of(lake).names("bars"))
    assert vacuumed.freed_bytes > 0
    assert vacuumed.days_kept == (DAY_BEFORE,)
    assert parquet_files(lake) < before
    assert id_of(lake, DAY_BEFORE) == snapshot
    commit_day(lake, FEW_TABLES, LAST)
    assert last_session_of(lake) == LAST


def test_a_vacuum_spares_recent_files_that_another_home_may_be_writing(bucket_lake):
    lake = Bucket(bucket_lake)
    commit_day(lake, FEW_TABLES, DAY_BEFORE)
    with dying_at("write_head", 1, after=False), suppress(CrashError):
        commit_day(lake, FEW_TABLES, LAST)
    before = parquet_files(lake)

    vacuum_lake(lake, {})

    assert parquet_files(lake) == before


@pytest.mark.prove
def test_a_replaced_snapshot_is_retained_for_the_day_based_on_it(bucket_lake):
    lake = Bucket(bucket_lake)
    commit_day(lake, FEW_TABLES, LAST)
    head = read_head(lake)
    assert head is not None
    commits.store_superseded(lake, head)

    (name,) = superseded_heads(lake)

    assert name == "superseded/000001.json"
    vacuum_lake(lake, {})
    assert superseded_heads(lake) == {}


def test_a_lake_whose_head_is_lost_is_refused(bucket_lake):
    lake = Bucket(bucket_lake)
    commit_day(lake, FEW_TABLES, LAST)
    files_of(lake).remove("head.json")

    with pytest.raises(DataError, match="missing, but tables exist"):
        read_head(lake)


def test_a_table_that_lost_a_file_is_reported_as_damaged(bucket_lake):
    lake = Bucket(bucket_lake)
    commit_day(lake, FEW_TABLES, LAST)
    head = read_head(lake)
    assert head is not None
    (bars,) = (name for name in parquet_files(lake) if name.startswith("bars/"))
    files_of(lake).remove(bars)

    with pytest.raises(DataError, match=r"Table bars in s3://.* is damaged"):
        store.read_table(lake, head.versions, "bars")
