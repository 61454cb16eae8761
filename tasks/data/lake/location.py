"""Know where the lake lies, in the home's own folder or under a prefix of a bucket, and reach its files by name.

Either way they are the same files by the same names: the tables' folders, `head.json`, `superseded/`. A folder is its
home's alone, whose lock is held by who writes; in a bucket another home may write at the same moment.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple, Protocol

from config.settings import Settings
from tasks.core.atomic import write_bytes
from tasks.core.errors import AftercloseError, StorageError
from tasks.core.home import Home
from tasks.data.schema.records import Bucket, Place

IN_THE_HOME = "home"


class Content(NamedTuple):
    """What a file holds, and in a bucket the tag of this very content."""

    data: bytes
    tag: str | None


class Files(Protocol):
    """The small files of one lake, by name with slashes. The tables' own library goes there by itself."""

    def read(self, name: str) -> Content | None:
        """Return what the file holds; None where there is none."""

    def write(self, name: str, data: bytes, *, over: str | None) -> str | None:
        """Replace the file whole and return its new tag.

        In a bucket only if the file still is what `over` tags or, for None, if there is none.
        """

    def remove(self, name: str) -> None:
        """Delete the file."""

    def names(self, under: str = "") -> list[str]:
        """Return the names of all files below the folder `under`, ascending."""

    def size_bytes(self) -> int:
        """Return what all files take, those of the tables included."""

    def stamp(self, name: str) -> str:
        """Return what differs once the file was replaced; empty where there is none."""

    def digests(self, names: list[str]) -> dict[str, str]:
        """Return what identifies the content of each file; one that is missing or unreadable is left out."""


def lake_of(home: Home, settings: Settings) -> Place:
    """Return where the lake of the home lies."""
    return place_named(settings.data.lake, home)


def place_named(name: str, home: Home) -> Place:
    """Return the place that goes by this name in `data.lake`."""
    return home.lake if name == IN_THE_HOME else Bucket(name)


def name_of(lake: Place) -> str:
    """Return what `data.lake` calls the place."""
    return lake.uri if isinstance(lake, Bucket) else IN_THE_HOME


def files_of(lake: Place) -> Files:
    """Return the hands that reach the lake's files."""
    if isinstance(lake, Path):
        return _Folder(lake)
    from tasks.data.lake.bucket import Objects

    return Objects(lake)


def table_options(lake: Place) -> dict[str, str] | None:
    """Return what the tables' library must be told to get there."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.bucket import client_options

    return client_options()


def trouble_with(lake: Place, error: Exception) -> AftercloseError | None:
    """Return what the way to the lake has to do with an error of the tables' library; None: nothing."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.bucket import trouble

    return trouble(lake, error)


def written_meanwhile(lake: Place) -> StorageError:
    """Return the error of who comes second."""
    return StorageError(
        f"Another home has written to the lake {lake} meanwhile.",
        remedy="Its snapshot is intact, ours was not stored. Run again, and let one home alone refresh a lake.",
        path=str(lake),
    )


class _Folder:
    """The files of a lake in a folder; there are no tags, for nobody else writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> Content | None:
        path = self._path / name
        return Content(path.read_bytes(), None) if path.exists() else None

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
                with (self._path / name).open("rb") as file:
                    found[name] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                continue
        return found
