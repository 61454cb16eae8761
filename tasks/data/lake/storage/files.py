"""The interface of file access for a lake, in a directory or a bucket."""

from typing import NamedTuple, Protocol

from tasks.core.errors import StorageError
from tasks.data.schema.records import LakeLocation


class Content(NamedTuple):
    """The content of a file, and in a bucket its ETag."""

    data: bytes
    tag: str | None


class Files(Protocol):
    """File access for one lake, by name with slashes. The Delta library accesses the tables directly."""

    def read(self, name: str) -> Content | None:
        """Return the content; None where the file does not exist."""

    def write(self, name: str, data: bytes, *, over: str | None) -> str | None:
        """Replace the whole file and return its new tag.

        In a bucket only if its tag is still `over`; if `over` is None, only if the file does not exist.
        """

    def remove(self, name: str) -> None:
        """Delete the file."""

    def names(self, under: str = "") -> list[str]:
        """Return the names of all files below the directory `under`, ascending."""

    def size_bytes(self) -> int:
        """Return the total size of all files, tables included."""

    def stamp(self, name: str) -> str:
        """Return a text that changes when the file is replaced; empty where it does not exist."""

    def digests(self, names: list[str]) -> dict[str, str]:
        """Return a digest of each file's content; missing and unreadable files are left out."""


def concurrent_write(lake: LakeLocation) -> StorageError:
    """Return the error for a writer that another home preceded."""
    return StorageError(
        f"Another home wrote to the lake {lake} during this refresh.",
        remedy="Its snapshot is intact; this one was not stored. Run again, and let only one home refresh a lake.",
        path=str(lake),
    )
