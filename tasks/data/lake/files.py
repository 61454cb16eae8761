"""File access for a lake: what a folder and a bucket both offer."""

from typing import NamedTuple, Protocol

from tasks.core.errors import StorageError
from tasks.data.schema.records import Place


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


def written_meanwhile(lake: Place) -> StorageError:
    """Return the error of who comes second."""
    return StorageError(
        f"Another home has written to the lake {lake} meanwhile.",
        remedy="Its snapshot is intact, ours was not stored. Run again, and let one home alone refresh a lake.",
        path=str(lake),
    )
