import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.kept import (
    BLOCK_LINES,
    delete_unnamed,
    index_of,
    keep_parts,
    kept_blocks,
    read_parts,
    restore_parts,
)
from tasks.core.ids import sha256_of_bytes

NAMES = st.sampled_from(["live/a.csv", "live/b.csv", "settings.json"])


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@given(st.dictionaries(NAMES, st.binary(max_size=40)))
def test_what_is_kept_is_read_back_and_named_by_its_content(tmp_path_factory, parts):
    home = Home(tmp_path_factory.mktemp("home"))

    index = keep_parts(home, parts)

    assert read_parts(home, index) == parts
    assert index == sha256_of_bytes(index_of(parts))


def test_a_file_that_grows_is_stored_once(home):
    lines = [f"row {number}\n".encode() for number in range(3 * BLOCK_LINES)]
    first = set(kept_blocks(home, keep_parts(home, {"live/history.csv": b"".join(lines[:-1])})))

    second = set(kept_blocks(home, keep_parts(home, {"live/history.csv": b"".join(lines)})))

    assert len(second - first) == 2  # the last block and the index
    assert len(second & first) == 2


@pytest.mark.parametrize("change", ["missing", "altered", "no longer compressed", "appended to", "cut off"])
def test_a_damaged_block_is_an_error(home, change):
    index = keep_parts(home, {"live/a.csv": b"a,b\n"})
    path = home.decisions / sha256_of_bytes(b"a,b\n")
    if change == "missing":
        path.unlink()
    elif change == "appended to":
        path.write_bytes(path.read_bytes() + b"x")
    elif change == "cut off":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.write_bytes(b"x" if change != "altered" else (home.decisions / index).read_bytes())

    with pytest.raises(StorageError, match=path.name):
        read_parts(home, index)


@pytest.mark.parametrize("name", ["../outside", "/outside", ""])
def test_a_part_outside_the_home_is_refused(home, name):
    with pytest.raises(StorageError, match="not a path inside a home"):
        read_parts(home, keep_parts(home, {name: b"x"}))


@pytest.mark.parametrize("digest", ["", "../head.json", "A" * 64])
def test_an_index_that_is_not_a_digest_is_an_error(home, digest):
    with pytest.raises(StorageError):
        read_parts(home, digest)


def test_blocks_that_no_day_names_are_deleted(home):
    kept = keep_parts(home, {"live/a.csv": b"a\n", "live/both.csv": b"both\n"})
    keep_parts(home, {"live/b.csv": b"b\n", "live/both.csv": b"both\n"})

    freed = delete_unnamed(home, [kept])

    assert freed > 0
    assert {path.name for path in home.decisions.iterdir()} == set(kept_blocks(home, kept))


def test_nothing_is_deleted_if_an_index_cannot_be_read(home):
    keep_parts(home, {"live/a.csv": b"a\n"})
    before = sorted(home.decisions.iterdir())

    with pytest.raises(StorageError):
        delete_unnamed(home, ["0" * 64])

    assert sorted(home.decisions.iterdir()) == before


def test_a_home_is_restored_from_its_parts(home):
    restore_parts(home, {"live/current_positions.csv": b"symbol,shares\n"})

    assert home.positions_file.read_bytes() == b"symbol,shares\n"
    assert home.marker_file.is_file()


def test_what_a_killed_run_stored_is_synced_by_the_next(home, monkeypatch):
    keep_parts(home, {"live/a.csv": b"a\n"})
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))

    keep_parts(home, {"live/a.csv": b"a\n"})

    assert home.decisions.stat().st_ino in synced
