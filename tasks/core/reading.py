"""Read files: the one place that does so. Only regular files are read: a pipe or a device may never end."""

import io
from pathlib import Path
from typing import Any, TextIO

from config.regular_file import NOT_REGULAR, open_regular
from tasks.core.errors import StorageError


class NotRegularError(StorageError, OSError):
    """A pipe, a socket or a device where a file was expected. Also an OSError: a file that cannot be read."""

    def __init__(self, what: str, *, remedy: str, **fields: Any) -> None:
        super().__init__(what, remedy=remedy, **fields)
        self.strerror = NOT_REGULAR


def opened_file(path: Path) -> io.BufferedReader:
    """Return the file, open for reading. Raises OSError, for other than a regular file NotRegularError."""
    try:
        return open_regular(path)
    except OSError as error:
        if error.strerror != NOT_REGULAR:
            raise
        raise _not_regular(path) from None


def refuse_irregular(path: Path) -> None:
    """Raise NotRegularError if a pipe, a socket or a device is there; for a file that is opened in another way."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise _not_regular(path)


def opened_text(
    path: Path, encoding: str = "utf-8", errors: str = "strict", newline: str | None = None
) -> TextIO:
    """Return the file, open for reading as text; the parameters are those of `open`. Raises as `opened_file`."""
    return io.TextIOWrapper(opened_file(path), encoding=encoding, errors=errors, newline=newline)


def read_bytes(path: Path) -> bytes:
    """Return the file's content. Raises OSError, for other than a regular file NotRegularError."""
    with opened_file(path) as file:
        return file.read()


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Return the file's text, with every line end as a newline. Raises as `read_bytes`, and UnicodeDecodeError."""
    with opened_text(path, encoding) as file:
        return file.read()


def _not_regular(path: Path) -> NotRegularError:
    return NotRegularError(
        f"{path} cannot be read: {NOT_REGULAR}.",
        remedy="Put the file itself there (a pipe or a device may never end), then run again.",
        path=str(path),
    )
