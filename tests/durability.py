"""Record what reaches the disk and in which order: only a power cut, never a kill, reveals a missing fsync.

Inside `recording(folder)` every fsync, rename and new name below the folder is recorded. The requirements:

- before a file or folder is renamed into its place, its content is synced, and so are the folders inside it;
- after a rename, and after a file or folder was created where it stays, the folder that holds the name is synced;
- what was written in place is synced afterwards.

A lake's tables are written by a library whose calls are not visible: the head's rename requires that they are synced.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
LEFTOVER = ".partial"
NOT_KEPT = (
    ".lock",
    ".sqlite",
    ".sqlite-journal",
    ".sqlite-wal",
    ".sqlite-shm",
)  # need not survive a power cut

_listening: list["Recording"] = []  # an audit hook cannot be removed


@dataclass
class Recording:
    """The operations in the directory; `faults` describes what a power cut could have lost."""

    folder: Path
    faults: list[str] = field(default_factory=list)
    renames: int = 0
    synced: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # inode: size and time of change, when synced
    unsynced_folders: dict[Path, str] = field(default_factory=dict)  # directory: why it must be synced
    written: set[Path] = field(default_factory=set)
    known: set[int] = field(default_factory=set)  # inodes that existed before

    def __post_init__(self) -> None:
        self.known = {path.stat().st_ino for path in self.folder.rglob("*")}

    def fsync(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self.synced[found.st_ino] = _stamp(found)
        self.unsynced_folders.pop(Path(f"/proc/self/fd/{descriptor}").readlink(), None)

    def event(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "ctypes.dlsym" and args[1] == "renameat2":
            for moved in self._leftovers():
                self.rename(moved, moved.parent)
        elif name == "os.rename" and self._is_ours(args[0]):
            self.rename(Path(os.fsdecode(args[0])), Path(os.fsdecode(args[1])).parent)
        elif name == "os.mkdir" and self._is_ours(args[0]):
            self.created(Path(os.fsdecode(args[0])))
        elif name == "open" and self._is_ours(args[0]) and args[2] & WRITING:
            path = Path(os.fsdecode(args[0]))
            if not path.name.endswith(NOT_KEPT):
                self.written.add(path)
                self.created(path)

    def created(self, path: Path) -> None:
        if not path.exists() and not _is_leftover(path):
            self.unsynced_folders[path.parent] = f"the new name {path.name}"

    def rename(self, moved: Path, into: Path) -> None:
        self.renames += 1
        for path in (moved, *moved.rglob("*")):
            if not self._is_synced(path):
                self.faults.append(f"{path.name} was renamed into its place before it was synced")
        if moved.name.startswith(".head.json."):
            tables = [path for path in into.rglob("*") if path.parent != into and not _is_leftover(path)]
            self.faults += [
                f"the head names {path.name}, which was not synced"
                for path in tables
                if path.stat().st_ino not in self.known | self.synced.keys()
            ]
        self.unsynced_folders[into] = f"the rename of {moved.name}"

    def end(self) -> None:
        for path in self.written:
            if path.exists() and not self._is_synced(path):
                self.faults.append(f"{path.relative_to(self.folder)} was written and not synced")
        for folder, why in self.unsynced_folders.items():
            if folder.exists():
                self.faults.append(f"the folder {folder} was not synced after {why}")

    def _is_synced(self, path: Path) -> bool:
        return self.synced.get(path.stat().st_ino) == _stamp(path.stat())

    def _leftovers(self) -> list[Path]:
        found = [path for path in self.folder.rglob(f".*{LEFTOVER}") if not _is_leftover(path.parent)]
        return [path for path in found if path.exists()]

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(f"{self.folder}/")


@contextmanager
def recording(folder: Path) -> Iterator[Recording]:
    """Record what the block does in the directory, and check it at the end of the block."""
    if not _listening:
        sys.addaudithook(_heard)
        _listening.append(Recording(Path("/nowhere")))
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        record.fsync(descriptor)

    record = Recording(folder)
    _listening.append(record)
    try:
        with patch("os.fsync", fsync):
            yield record
    finally:
        _listening.remove(record)
    record.end()


def _heard(event: str, args: tuple[Any, ...]) -> None:
    for record in _listening[1:]:
        record.event(event, args)


def _stamp(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _is_leftover(path: Path) -> bool:
    return any(part.startswith(".") and part.endswith(LEFTOVER) for part in path.parts)
