"""Trips stored outside the home: each is kept, and only a reset that names it removes it."""

import hashlib
import os
from pathlib import Path

import pytest

from tasks.core.homes.home import Home
from tasks.safety.kill_switch.halts_outside import outside_folder, read_outside, remove_outside, write_outside


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = Home(tmp_path / "home")
    home.root.mkdir()
    return home


def test_every_trip_is_stored_alongside_earlier_ones(home):
    kept = [write_outside(home, {"reason": reason}) for reason in ("one", "two")]

    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
    assert dict(read_outside(home)) == {
        path.name: {"reason": reason} for path, reason in zip(kept, ("one", "two"), strict=True)
    }


# a later release must find the trips of an earlier one
def test_the_directory_is_named_by_the_hash_of_the_homes_path(home, tmp_path):
    place = hashlib.sha256(str(home.root).encode()).hexdigest()[:32]

    assert outside_folder(home) == tmp_path / "state" / "afterclose" / "halts" / place


def test_a_directory_that_cannot_be_listed_is_a_trip_of_unknown_content(home, monkeypatch):
    folder = write_outside(home, {"reason": "one"}).parent
    listed = os.listdir

    def refuse(path):
        if path == folder:
            raise PermissionError(13, os.strerror(13))
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)

    assert list(read_outside(home)) == [("outside", None)]


def test_only_the_named_trip_is_removed(home):
    one, two = (write_outside(home, {}) for _ in range(2))

    remove_outside(home, [one.name])

    assert [name for name, _ in read_outside(home)] == [two.name]


def test_names_of_other_trips_remove_nothing_and_a_trip_that_is_gone_is_not_an_error(home):
    kept = write_outside(home, {})
    stranger = outside_folder(home) / "STOP"
    stranger.touch()

    remove_outside(home, ["STOP", "1", "outside-gone"])

    assert stranger.exists()
    assert [name for name, _ in read_outside(home)] == [kept.name]


def test_a_home_whose_owner_is_unknown_is_not_halted_where_nobody_looks(home):
    home.root.rmdir()

    assert write_outside(home, {}) is None
    assert list(read_outside(home)) == []


def test_on_a_full_disk_the_empty_file_halts(home, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_text", full)

    kept = write_outside(home, {"reason": "lost"})

    assert list(read_outside(home)) == [(kept.name, None)]
