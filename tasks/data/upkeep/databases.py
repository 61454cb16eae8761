"""Copy the home's SQLite databases and what is derived from them, as of one moment, for a backup.

A database in WAL mode is two files that change while it is written: copying them byte by byte may corrupt it. SQLite's
own backup reads one committed state. The portfolio lock is held meanwhile, so that the ledger, its anchor and the
positions file are from the same moment; an execution waits for milliseconds.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.core.atomic import LEFTOVER_SUFFIX, refuse_symlink
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import waiting
from tasks.core.reading import read_bytes

WAIT_S = 60.0


def databases(home: Home) -> tuple[Path, ...]:
    """Return the databases that a backup has."""
    return home.ledger_file, home.paper_account


def is_write_ahead(path: Path, home: Home) -> bool:
    """Return whether the path belongs to an open database: its write-ahead log or shared memory."""
    return any(
        path == file.with_name(file.name + end) for file in databases(home) for end in ("-wal", "-shm")
    )


@contextmanager
def copied(home: Home) -> Iterator[dict[Path, Path]]:
    """Yield copies by original of the databases, the anchor and the positions file; deleted at the end of the block.

    Raises TransientError if a run holds the portfolio lock for a minute, StorageError for a damaged database.
    """
    with TemporaryDirectory(prefix=".backup.", suffix=LEFTOVER_SUFFIX, dir=home.root) as folder:
        copies: dict[Path, Path] = {}
        with waiting(home.portfolio_lock, seconds=WAIT_S):
            for number, path in enumerate((*databases(home), home.ledger_anchor, home.positions_file)):
                refuse_symlink(path)
                if path.is_file():
                    copies[path] = Path(folder) / f"{number}-{path.name}"
                    _copy(path, copies[path], is_database=path in databases(home))
        yield copies


def _copy(path: Path, target: Path, *, is_database: bool) -> None:
    try:
        if is_database:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # complete in one file
        else:
            target.write_bytes(read_bytes(path))
        target.chmod(path.stat().st_mode)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(
            f"{path} cannot be copied: {error}.",
            remedy="Free space or fix its permissions; `afterclose doctor` examines the ledger.",
            path=str(path),
        ) from error
