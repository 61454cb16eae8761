"""File locks: one run at a time per home. The kernel releases the lock of a dead process."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tasks.core.atomic import make_folder
from tasks.core.clock import stopwatch
from tasks.core.errors import StorageError, TransientError
from tasks.core.json_text import parse_json
from tasks.core.reading import read_text, refuse_irregular

POLL_S = 0.01

_locked: dict[Path, tuple[int, int]] = {}  # locks of this process: device and inode of each file


@contextmanager
def exclusive(path: Path, *, doing: str) -> Iterator[None]:
    """Hold the lock while the block runs. A second caller gets a TransientError that names the holder."""
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _held(path) from error
        _note_holder(file.fileno(), doing)
        _locked[path] = _identity(os.fstat(file.fileno()))
        try:
            yield
        finally:
            _locked.pop(path, None)


def refuse_replaced(path: Path) -> None:
    """Raise StorageError if the home was moved during the run and another one put in its place.

    The lock that is held belongs to the moved home, so nothing may be written to the other one.
    """
    if path not in _locked:
        return
    try:
        is_same = _identity(path.stat()) == _locked[path]
    except OSError:
        is_same = False
    if not is_same:
        raise StorageError(
            f"{path.parent.parent} was moved or replaced during the run.",
            remedy="Nothing more was written. Check which home is there now, then run again.",
            path=str(path),
        )


@contextmanager
def waiting(path: Path, *, seconds: float) -> Iterator[BinaryIO]:
    """Open the file for reading and appending under an exclusive lock; wait at most `seconds` for it.

    Raises TransientError if the lock is not free in time, StorageError if the file cannot be opened.
    """
    with _opened(path) as file:
        deadline = stopwatch() + seconds
        while not _is_taken(file):
            if stopwatch() > deadline:
                raise TransientError(
                    f"{path} has been in use by another process for {seconds:g} s.",
                    remedy="Stop the hung process, then run again.",
                    lock=str(path),
                )
            time.sleep(POLL_S)
        file.seek(0)
        yield file


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _note_holder(descriptor: int, doing: str) -> None:
    """Write who holds the lock, for the error of a second caller. On a full disk a vacuum must still run."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "doing": doing}).encode())


def _opened(path: Path) -> BinaryIO:
    refuse_irregular(path)
    try:
        make_folder(path.parent)
        return path.open("a+b")
    except OSError as error:
        raise StorageError(
            f"{path} could not be opened: {error.strerror}.",
            remedy="Free space or make the home writable by this user, then run again.",
            path=str(path),
        ) from error


def _is_taken(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held(path: Path) -> TransientError:
    try:
        holder = parse_json(read_text(path))
        who = f"process {holder['pid']} ({holder['doing']})"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return TransientError(
        f"This home is in use by {who}.",
        remedy="Wait until it has finished, then run again.",
        lock=str(path),
    )
