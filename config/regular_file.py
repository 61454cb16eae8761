"""Open a file for reading only if it is a regular one: reading a pipe or a device may never end."""

import errno
import io
import os
import stat
from pathlib import Path

NOT_REGULAR = "it is not a regular file"


def open_regular(path: Path) -> io.BufferedReader:
    """Return the file, open for reading. A link to a regular file is followed.

    Raises OSError with the reason NOT_REGULAR for a pipe, a socket or a device, without waiting for it.
    """
    _refuse_irregular(path.stat(), path)  # opening a device may already have an effect
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _refuse_irregular(os.fstat(descriptor), path)  # it may have been replaced in between
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_irregular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
