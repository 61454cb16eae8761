"""File access of approvals: a day's files, each read once from one open directory, and approval.json.

Symbolic links, other kinds of file, files that are too large, and approvals that others may touch are refused.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from tasks.approval.day import ADDED_FILES, FILES, REVISED_FILES
from tasks.approval.refusal import Reason, refusal
from tasks.core.atomic import replace_file, replace_folder, sync_folder
from tasks.core.errors import SafetyError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import waiting
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.json_text import parse_json
from tasks.core.sessions import Session
from tasks.ledger.executions import has_execution

APPROVAL, EXECUTION, WITHDRAWN = "approval.json", "execution.json", "approval.withdrawn.json"
NO_ANSWER, NO_ANSWER_WITHDRAWN = "no_answer.json", "no_answer.withdrawn.json"
REVISIONS = "revisions"
LARGEST = {APPROVAL: 1 << 20, NO_ANSWER: 1 << 20, MANIFEST: 1 << 20, "trades.csv": 1 << 20}
LARGEST_OTHER = 64 << 20
APPROVAL_MODE = 0o640
OTHERS = stat.S_IRWXO | stat.S_IWGRP
LOCK_WAIT_S = 5.0
Read = tuple[bytes | None, bytes, dict[str, bytes]]


@contextmanager
def hold_approvals(home: Home) -> Iterator[None]:
    """Hold the lock of the home's approvals while the block runs; no run holds it."""
    with waiting(home.approval_lock, seconds=LOCK_WAIT_S):
        yield


def read_day(home: Home, session: Session, *, revision: int | None = None) -> Read:
    """Return the bytes of approval.json (None without one), of manifest.json, and of the day's other files.

    All are read from the same open directory: a day that is published meanwhile is never mixed with this one. For a
    revision, its own files replace those of the day, and the day's manifest is among the files. `revision` 0 is the
    day as published; None is the revision that the approval names, or 0 without an approval.
    """
    with _opened(home, session) as folder:
        approval = _read(folder, session, APPROVAL)
        manifest = _read(folder, session, MANIFEST)
        names = (*FILES, *ADDED_FILES)
        files = {name: content for name in names if (content := _read(folder, session, name)) is not None}
        number = _named_revision(approval) if revision is None else revision
        revised = _read_revision(folder, session, number) if number else {}
    if manifest is None:
        raise refusal(
            "manifest",
            f"{session} has no {MANIFEST}, so its files cannot be verified.",
            remedy=f"Run the day again with `afterclose daily --date {session}`.",
        )
    if number:
        return approval, revised.pop(MANIFEST), files | revised | {MANIFEST: manifest}
    return approval, manifest, files


def revision_numbers(home: Home, session: Session) -> list[int]:
    """Return the numbers of the day's revisions, ascending."""
    folder = home.day_folder(session) / REVISIONS
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal() and str(int(name)) == name)


def write_revision(home: Home, session: Session, number: int, files: Mapping[str, bytes]) -> Path:
    """Write live/D/revisions/N, completely or not at all, and return its path. The caller holds the approvals."""
    path = home.day_folder(session) / REVISIONS / str(number)
    with replace_folder(path) as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return path


def _named_revision(approval: bytes | None) -> int:
    """Return the revision that an approval names; 0 for one that cannot be read, which is refused elsewhere."""
    try:
        number = None if approval is None else parse_json(approval)["envelope"]["revision"]
    except (ValueError, KeyError, TypeError):
        return 0
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else 0


def _read_revision(folder: int, session: Session, number: int) -> dict[str, bytes]:
    """Return the files of a revision, its manifest among them, each opened without following links."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    inside = -1
    try:
        revisions = os.open(REVISIONS, flags, dir_fd=folder)
        try:
            inside = os.open(str(number), flags, dir_fd=revisions)
        finally:
            os.close(revisions)
        found = {name: _read(inside, session, name) for name in (MANIFEST, *REVISED_FILES)}
    except OSError:
        found = {}
    finally:
        if inside >= 0:
            os.close(inside)
    if found.get(MANIFEST) is None:
        raise refusal(
            "revision",
            f"{session} has no revision {number}, or its manifest is missing.",
            remedy=f"Name one of those in live/{session}/{REVISIONS}, or 0 for the day as published.",
        )
    return {name: content for name, content in found.items() if content is not None}


def read_manifest(home: Home, session: Session) -> bytes | None:
    """Return the bytes of manifest.json, None without one."""
    with _opened(home, session) as folder:
        return _read(folder, session, MANIFEST)


def read_no_answer(home: Home, session: Session) -> bytes | None:
    """Return the bytes of no_answer.json, None without one."""
    with _opened(home, session) as folder:
        return _read(folder, session, NO_ANSWER)


def write_no_answer(home: Home, session: Session, content: bytes) -> None:
    """Replace no_answer.json atomically; others may not read it."""
    with replace_file(home.day_folder(session) / NO_ANSWER, mode=APPROVAL_MODE) as file:
        file.write(content)


def is_revised(home: Home, session: Session) -> bool:
    """Return whether this publication of the day has revisions; the audit log also knows those of earlier ones."""
    return os.path.lexists(home.day_folder(session) / REVISIONS)


def is_executed(home: Home, session: Session) -> bool:
    """Return whether an execution of the day began: by the ledger, or by the file in the day's directory.

    The ledger is written first, and remains if the directory is lost.
    """
    return os.path.lexists(home.day_folder(session) / EXECUTION) or has_execution(home, session.day)


def restore_executed(session: date | Session) -> str:
    """Return the remedy where the directory of a day in execution is lost, or is that of another publication."""
    return (
        f"Put live/{session} back from a backup: `afterclose data restore FILE --home EMPTY_DIRECTORY`, then copy the "
        "day's directory from there. Do not restore an older archive over this home: its ledger would not have the "
        "orders already sent. Without a backup: docs/runbooks.md#safety."
    )


def write_approval(home: Home, session: Session, content: bytes) -> None:
    """Replace approval.json atomically; others may not read it."""
    with replace_file(home.day_folder(session) / APPROVAL, mode=APPROVAL_MODE) as file:
        file.write(content)


def withdraw_approval(home: Home, session: Session) -> None:
    """Rename approval.json, whatever it is, so that the day may be published again. Does nothing without one.

    The same for no_answer.json: a rejection ends the policy's hold of the day.
    """
    folder = home.day_folder(session)
    try:
        for name, withdrawn in ((APPROVAL, WITHDRAWN), (NO_ANSWER, NO_ANSWER_WITHDRAWN)):
            with suppress(FileNotFoundError):
                (folder / name).rename(folder / withdrawn)
                sync_folder(folder)
    except OSError as error:
        raise StorageError(
            f"{folder / APPROVAL} could not be renamed: {error.strerror}.",
            remedy="The rejection is logged and holds. Move the file out of the directory by hand.",
            path=str(folder / APPROVAL),
        ) from error


@contextmanager
def _opened(home: Home, session: Session) -> Iterator[int]:
    path = home.day_folder(session)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if has_execution(home, session.day):
            raise refusal(
                "day",
                f"{path} is missing, but the ledger has an execution of {session}.",
                remedy=restore_executed(session),
                path=str(path),
            ) from None
        raise refusal(
            "day",
            f"{session} was not published: {path} does not exist.",
            remedy=f"Run it with `afterclose daily --date {session}`.",
            path=str(path),
        ) from None
    except OSError as error:
        raise refusal(
            "day",
            f"{path} cannot be opened as a directory ({error.strerror}); it may be a symbolic link.",
            remedy="Restore the day from a backup, or run it again.",
            path=str(path),
        ) from None
    try:
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, session: Session, name: str) -> bytes | None:
    """Return the content of a regular file in the open directory; None if there is none."""
    largest = LARGEST.get(name, LARGEST_OTHER)
    try:
        # O_NONBLOCK: a named pipe must not hang the command
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _unusable(session, name, "it is not a regular file")
            if name in {APPROVAL, NO_ANSWER} and found.st_mode & OTHERS:
                raise _unusable(session, name, "other users may read or change it")
            content = file.read(largest + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(session, name, f"{error.strerror}; it may be a symbolic link") from None
    if len(content) > largest:
        raise _unusable(session, name, f"it is larger than {largest:,} bytes")
    return content


def _unusable(session: Session, name: str, why: str) -> SafetyError:
    reasons: dict[str, Reason] = {APPROVAL: "approval", MANIFEST: "manifest", "trades.csv": "trades"}
    remedy = (
        f"Withdraw the approval with `afterclose reject {session} --by NAME --reason TEXT`, find the cause, then "
        "approve again."
        if name == APPROVAL
        else f"Run the day again with `afterclose daily --date {session}`, or restore it from a backup."
    )
    return refusal(
        reasons.get(name, "day"), f"{session}: {name} cannot be used: {why}.", remedy=remedy, path=name
    )
