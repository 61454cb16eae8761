"""The outbox on disk: `waiting/` has one file per message and recipient, `dead/` what was abandoned, `sent/` receipts.

A file is written whole or not at all and named by the message's id, so that the same message is queued once. A receipt
is an empty file, which needs no space on a full disk; it is written before the message is removed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from tasks.core.atomic import LEFTOVER_SUFFIX, make_folder, replace_file, sync_folder
from tasks.core.homes.home import Home
from tasks.core.homes.lock import waiting
from tasks.core.reading import read_bytes
from tasks.reporting.notify.outbox.entry import DAMAGED, Entry, decode, encode

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
LOCK_WAIT_S = 2.0
KEPT = timedelta(days=60)  # receipts and dead messages


class Outbox:
    """The outbox of a home. Reading never creates it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.waiting = home.outbox / "waiting"
        self.dead = home.outbox / "dead"
        self.sent = home.outbox / "sent"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the outbox while the block delivers. Raises TransientError if another process is delivering."""
        with waiting(self._home.outbox_lock, seconds=LOCK_WAIT_S):
            yield

    def knows(self, entry_id: str) -> bool:
        """Return whether the message was queued before: it is waiting, was sent, or was abandoned."""
        names = (f"{entry_id}.json", entry_id)
        return any(
            (folder / name).exists() for folder in (self.waiting, self.dead, self.sent) for name in names
        )

    def was_sent(self, entry_id: str) -> bool:
        return (self.sent / entry_id).exists()

    def put(self, entry: Entry) -> None:
        """Store the entry among those that wait. Raises StorageError if it cannot be written."""
        make_private(self._home)
        with replace_file(self.waiting / f"{entry.entry_id}.json", mode=PRIVATE) as file:
            file.write(encode(entry))

    def entries(self) -> list[Entry]:
        """Return the readable messages that wait, oldest first."""
        found = [entry for path in _files(self.waiting) if (entry := _read(path)) is not None]
        return sorted(found, key=lambda entry: (entry.queued_at, entry.entry_id))

    def dead_entries(self) -> list[Entry]:
        """Return the readable messages that were abandoned, oldest first."""
        found = [entry for path in _files(self.dead) if (entry := _read(path)) is not None]
        return sorted(found, key=lambda entry: (entry.queued_at, entry.entry_id))

    def unreadable(self) -> list[str]:
        """Return the names of damaged files."""
        return [
            path.name
            for folder in (self.waiting, self.dead)
            for path in _files(folder)
            if _read(path) is None
        ]

    def note_sent(self, entry: Entry) -> None:
        """Write the receipt, then remove the message."""
        make_private(self._home)
        make_folder(self.sent)
        (self.sent / entry.entry_id).touch(mode=PRIVATE)
        with suppress(OSError):  # the receipt is there; after a power failure the message may be sent again
            sync_folder(self.sent)
        self.remove(entry)

    def remove(self, entry: Entry) -> None:
        """Remove the message from those that are waiting and those that were abandoned."""
        for folder in (self.waiting, self.dead):
            (folder / f"{entry.entry_id}.json").unlink(missing_ok=True)

    def bury(self, entry: Entry) -> None:
        """Move the message to those that were abandoned."""
        with replace_file(self.dead / f"{entry.entry_id}.json", mode=PRIVATE) as file:
            file.write(encode(entry))
        (self.waiting / f"{entry.entry_id}.json").unlink(missing_ok=True)

    def prune(self, at: datetime) -> None:
        """Delete old receipts and dead messages, and leftovers of killed processes. The caller holds the outbox."""
        oldest = (at - KEPT).timestamp()
        for folder in (self.sent, self.dead):
            for path in _listed(folder):
                with suppress(OSError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
        for folder in (self.waiting, self.dead, self._home.outbox):
            for path in folder.glob(f".*{LEFTOVER_SUFFIX}"):
                with suppress(OSError):
                    if (
                        path.stat().st_mtime < (at - timedelta(hours=1)).timestamp()
                    ):  # another process may be writing
                        path.unlink()


def make_private(home: Home) -> None:
    """Make the outbox a directory of its owner alone, also one that an earlier release made."""
    with suppress(OSError):  # the write that follows says what is wrong
        make_folder(home.outbox)
        if home.outbox.stat().st_mode & 0o077:
            home.outbox.chmod(PRIVATE_FOLDER)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9a-f]*.json")) if folder.is_dir() else []


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _read(path: Path) -> Entry | None:
    if not path.is_file():  # reading a pipe never ends
        return None
    try:
        entry = decode(read_bytes(path))
    except (OSError, *DAMAGED):
        return None
    return entry if path.name == f"{entry.entry_id}.json" else None
