import errno
import os
from pathlib import Path

import pytest

from tasks.core.atomic import (
    make_folder,
    put_in_place,
    remove_leftovers,
    replace_file,
    replace_folder,
    sync_folder,
    write_bytes,
    write_files,
    write_text,
)
from tasks.core.errors import StorageError


def write_one_file(folder):
    write_text(folder / "file", "new")


def exchange_one_file(folder):
    put_in_place(folder / "staged", folder / "file")


def failing_sync(monkeypatch, folder):
    """Let the fsync of this folder fail, and no other."""
    sync, failing = os.fsync, folder.stat().st_ino

    def fail(descriptor):
        if os.fstat(descriptor).st_ino == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)


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


def test_a_folder_with_a_relative_path_is_exchanged_in_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content in ("old", "new"):
        with replace_folder(Path("day")) as folder:
            (folder / content).write_text("1")

    assert names(tmp_path / "day") == ["new"]


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


def test_what_was_there_is_at_the_new_ones_place_after_an_exchange(tmp_path):
    write_text(tmp_path / "data" / "old", "1")
    write_text(tmp_path / "staged" / "new", "2")

    put_in_place(tmp_path / "staged", tmp_path / "data")

    assert (names(tmp_path / "data"), names(tmp_path / "staged")) == (["new"], ["old"])


def test_a_finished_file_takes_the_place_of_a_file(tmp_path):
    write_text(tmp_path / "file", "old")
    write_text(tmp_path / "staged", "new")

    put_in_place(tmp_path / "staged", tmp_path / "file")

    assert (tmp_path / "file").read_text() == "new"


def test_a_symlink_is_no_place_to_put_anything(tmp_path):
    write_text(tmp_path / "elsewhere" / "kept", "1")
    write_text(tmp_path / "staged" / "new", "2")
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match="symbolic link"):
        put_in_place(tmp_path / "staged", tmp_path / "data")

    assert names(tmp_path / "elsewhere") == ["kept"]


def test_an_exchange_that_the_system_refuses_is_reported_with_its_reason(tmp_path):
    write_text(tmp_path / "staged" / "new", "1")
    (tmp_path / "staged" / "inside").mkdir()

    with pytest.raises(StorageError, match="could not be written: Invalid argument") as refused:
        put_in_place(tmp_path / "staged", tmp_path / "staged" / "inside")

    assert refused.value.fields["path"] == str(tmp_path / "staged" / "inside")
    assert refused.value.__cause__.errno == 22


@pytest.mark.parametrize(
    ("mode", "expected"), [({}, 0o644), ({"mode": 0o600}, 0o600), ({"mode": 0o640}, 0o640)]
)
def test_a_file_has_the_mode_that_was_asked_for(tmp_path, mode, expected):
    before = os.umask(0o022)
    try:
        with replace_file(tmp_path / "file", **mode) as file:
            file.write(b"x")
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == expected


def test_a_failure_inside_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "file", "old")

    def stop_halfway():
        with replace_file(tmp_path / "file") as file:
            file.write(b"new")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        stop_halfway()

    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_folder_in_a_files_place_is_reported_with_the_path(tmp_path):
    (tmp_path / "file").mkdir()

    with pytest.raises(StorageError, match="could not be written: Is a directory") as refused:
        write_text(tmp_path / "file", "x")

    assert refused.value.fields["path"] == str(tmp_path / "file")
    assert names(tmp_path) == ["file"]


def test_a_file_in_the_way_of_a_folder_is_reported(tmp_path):
    write_text(tmp_path / "live", "a file")

    with (
        pytest.raises(StorageError, match="could not be written: File exists"),
        replace_folder(tmp_path / "live" / "day"),
    ):
        pass


def test_a_folder_is_made_with_those_above_it_and_again_without_complaint(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_text_is_stored_as_utf_8_with_the_newlines_that_are_given(tmp_path):
    write_text(tmp_path / "file", "é\r\n")

    assert (tmp_path / "file").read_bytes() == b"\xc3\xa9\r\n"


def test_fault_054_what_a_leftover_link_points_to_is_not_removed(tmp_path):
    write_text(tmp_path / "precious" / "kept", "1")
    (tmp_path / ".day.0123.partial").symlink_to(tmp_path / "precious")

    remove_leftovers(tmp_path)

    assert names(tmp_path) == ["precious"]
    assert names(tmp_path / "precious") == ["kept"]


def test_a_file_is_no_folder_to_sync(tmp_path):
    write_text(tmp_path / "file", "x")

    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")


def test_two_finished_folders_are_exchanged_and_a_failure_names_the_system_s_reason(tmp_path):
    write_text(tmp_path / "one" / "a", "1")

    with pytest.raises(StorageError, match="No such file") as refused:
        put_in_place(tmp_path / "missing", tmp_path / "one")

    assert names(tmp_path / "one") == ["a"]
    assert refused.value.fields["path"] == str(tmp_path / "one")


@pytest.mark.parametrize("write", [write_one_file, exchange_one_file])
def test_a_disk_that_fails_after_the_rename_is_not_reported_as_if_the_old_content_were_there(
    tmp_path, monkeypatch, write
):
    write_text(tmp_path / "file", "old")
    write_text(tmp_path / "staged", "new")
    failing_sync(monkeypatch, tmp_path)

    with pytest.raises(
        StorageError, match="was replaced, but the disk did not confirm it: Input/output"
    ) as seen:
        write(tmp_path)

    assert (tmp_path / "file").read_text() == "new"
    assert "previous content" not in str(seen.value)


def test_a_temporary_file_that_cannot_be_removed_does_not_hide_why_the_file_was_not_written(
    tmp_path, monkeypatch
):
    def fail(*_arguments, **_named):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(Path, "unlink", fail)

    with pytest.raises(StorageError, match="could not be written: Input/output error"):
        write_text(tmp_path / "file", "new")


def test_the_names_of_several_files_are_synced_once(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))

    write_files(tmp_path, {"a": b"1", "b": b"2", "c": b"3"})

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1", "b": b"2", "c": b"3"}
    assert synced == [*(path.stat().st_ino for path in sorted(tmp_path.iterdir())), tmp_path.stat().st_ino]


def test_no_files_write_nothing(tmp_path):
    write_files(tmp_path / "folder", {})

    assert names(tmp_path) == []
