"""File access for a lake in a directory of the home."""

import hashlib
from pathlib import Path

from tasks.core.atomic import write_bytes
from tasks.core.reading import opened_file, read_bytes
from tasks.data.lake.storage.files import Content


class FolderFiles:
    """File access for a lake in a directory; without tags, because nobody else writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> Content | None:
        path = self._path / name
        return Content(read_bytes(path), None) if path.exists() else None

    def write(self, name: str, data: bytes, *, over: str | None) -> None:  # noqa: ARG002 - nothing to compare with
        write_bytes(self._path / name, data)

    def remove(self, name: str) -> None:
        (self._path / name).unlink()

    def names(self, under: str = "") -> list[str]:
        found = (path for path in (self._path / under).rglob("*") if path.is_file())
        return sorted(path.relative_to(self._path).as_posix() for path in found)

    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._path.rglob("*") if path.is_file())

    def stamp(self, name: str) -> str:
        path = self._path / name
        return str(path.stat().st_mtime_ns) if path.exists() else ""

    def digests(self, names: list[str]) -> dict[str, str]:
        found = {}
        for name in names:
            try:
                with opened_file(self._path / name) as file:
                    found[name] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                continue
        return found
