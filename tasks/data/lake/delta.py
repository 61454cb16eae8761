"""Open a table of the lake in a directory or a bucket, and translate the errors of the Delta library."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tasks.core.errors import AftercloseError, DataError, StorageError
from tasks.data.lake.storage.files import concurrent_write
from tasks.data.lake.storage.location import access_error, table_options
from tasks.data.schema.records import Bucket, LakeLocation

if TYPE_CHECKING:
    from deltalake import DeltaTable


def open_table(lake: LakeLocation, name: str, version: int | None = None) -> "DeltaTable":
    """Return the table at the version; None: the latest written, which the head may not name yet."""
    from deltalake import DeltaTable

    return DeltaTable(f"{lake}/{name}", version=version, storage_options=table_options(lake))


def data_files(lake: LakeLocation, name: str, version: int) -> list[str]:
    """Return the data files of the table at the version, as paths relative to the table's directory, sorted."""
    with translating_read_errors(lake, name):
        added = open_table(lake, name, version).get_add_actions()
        return sorted(unquote(str(path)) for path in added.column("path").to_pylist())


@contextmanager
def translating_read_errors(lake: LakeLocation, name: str) -> Iterator[None]:
    """Raise a damaged table as DataError, an unreachable bucket as StorageError. Repairs nothing."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, ValueError) as error:
        if found := access_error(lake, error):
            raise found from None  # the server's answer may quote credentials
        raise DataError(
            f"Table {name} in {lake} is damaged: {_first_line(error)}.",
            remedy="Restore the lake from a backup, or move it away and refresh again.",
        ) from error


@contextmanager
def translating_write_errors(lake: LakeLocation) -> Iterator[None]:
    """Raise a failed write as StorageError. The head is unchanged."""
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
    except AftercloseError:
        raise
    except (DeltaError, OSError) as error:
        if found := access_error(lake, error):
            raise found from None
        if isinstance(lake, Bucket) and (
            isinstance(error, CommitFailedError) or "already exists" in str(error)
        ):
            raise concurrent_write(lake) from error
        raise StorageError(
            f"The lake {lake} could not be written: {_first_line(error)}.",
            remedy="The last snapshot is intact; free space or fix permissions, then run again.",
            path=str(lake),
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200].rstrip(".")
