"""Open a table of the lake wherever that lies, and say in words what the tables' library complains of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tasks.core.errors import AftercloseError, DataError, StorageError
from tasks.data.lake.files import written_meanwhile
from tasks.data.lake.location import table_options, trouble_with
from tasks.data.schema.records import Bucket, Place

if TYPE_CHECKING:
    from deltalake import DeltaTable


def open_table(lake: Place, name: str, version: int | None = None) -> "DeltaTable":
    """Return the table at the version; None: the latest that was written, which the head may not name yet."""
    from deltalake import DeltaTable

    return DeltaTable(f"{lake}/{name}", version=version, storage_options=table_options(lake))


def data_files(lake: Place, name: str, version: int) -> list[str]:
    """Return the files that hold the rows of the table at the version, by their names below the table's folder."""
    with reading(lake, name):
        added = open_table(lake, name, version).get_add_actions()
        return sorted(unquote(str(path)) for path in added.column("path").to_pylist())


@contextmanager
def reading(lake: Place, name: str) -> Iterator[None]:
    """Tell a damaged table in words: nothing is repaired, the head stays."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, ValueError) as error:
        if found := trouble_with(lake, error):
            raise found from None  # what a server answered is not for every eye
        raise DataError(
            f"Table {name} in {lake} is damaged: {_first_line(error)}",
            remedy="Restore the lake from a backup, or move it away and refresh again.",
        ) from error


@contextmanager
def writing(lake: Place) -> Iterator[None]:
    """Tell in words why the lake cannot be written: the head stays."""
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
    except AftercloseError:
        raise
    except (DeltaError, OSError) as error:
        if found := trouble_with(lake, error):
            raise found from None
        if isinstance(lake, Bucket) and (
            isinstance(error, CommitFailedError) or "already exists" in str(error)
        ):
            raise written_meanwhile(lake) from error
        raise StorageError(
            f"The lake {lake} could not be written: {_first_line(error)}",
            remedy="The last snapshot is intact; free space or mend permissions, then run again.",
            path=str(lake),
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
