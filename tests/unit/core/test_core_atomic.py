import os

import pytest

from tasks.core.atomic import remove_leftovers, replace_folder, write_bytes, write_text
from tasks.core.errors import StorageError


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "deep" / "file.txt"

    write_text(target, "old")
    write_text(target, "new")

    assert target.read_text() == "new"
    assert names(target.parent) == ["file.txt"]


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "day"

    with replace_folder(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()

    assert names(target) == ["a"]
    assert names(tmp_path) == ["day"]


def test_an_existing_folder_is_exchanged_whole(tmp_path):
    target = tmp_path / "day"
    with replace_folder(target) as folder:
        (folder / "old").write_text("1")

    with replace_folder(target) as folder:
        (folder / "new").write_text("2")
        assert names(target) == ["old"]

    assert names(target) == ["new"]
    assert names(tmp_path) == ["day"]


def test_a_failure_inside_the_block_leaves_the_old_folder_and_nothing_else(tmp_path):
    target = tmp_path / "day"
    with replace_folder(target) as folder:
        (folder / "old").write_text("1")

    def stop_halfway():
        with replace_folder(target) as folder:
            (folder / "new").write_text("2")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        stop_halfway()

    assert names(target) == ["old"]
    assert names(tmp_path) == ["day"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_fault_052_a_failed_fsync_or_rename_keeps_the_old_content_and_says_so(tmp_path, monkeypatch, failing):
    target = tmp_path / "file.txt"
    write_text(target, "old")

    def fail(*_args, **_kwargs):
        raise OSError(5, "Input/output error")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr("pathlib.Path.replace", fail)

    with pytest.raises(StorageError, match="Input/output error"):
        write_text(target, "new")

    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_fault_057_a_symlink_in_the_place_of_a_folder_is_refused(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "day").symlink_to(elsewhere)

    with pytest.raises(StorageError, match="symbolic link"), replace_folder(tmp_path / "day"):
        pass

    assert names(elsewhere) == []


def test_a_symlink_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "precious").write_text("untouched")
    (tmp_path / "link").symlink_to(tmp_path / "precious")

    with pytest.raises(StorageError, match="symbolic link"):
        write_bytes(tmp_path / "link", b"x")

    assert (tmp_path / "precious").read_text() == "untouched"


def test_fault_054_what_a_dead_process_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".day.0123.partial").mkdir()
    (tmp_path / ".day.0123.partial" / "half").write_text("x")
    (tmp_path / ".file.4567.partial").write_text("x")
    (tmp_path / "kept.partial").write_text("x")

    remove_leftovers(tmp_path)

    assert names(tmp_path) == ["kept.partial"]
