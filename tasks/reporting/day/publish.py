"""Publish a day: its directory completely or not at all, then its row in the history.

A directory that was approved or executed, or that is a symbolic link, is never replaced.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from tasks.approval.approval_log import decisions_about
from tasks.approval.store import restore_executed
from tasks.core.atomic import refuse_symlink, replace_folder, write_bytes
from tasks.core.errors import SafetyError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.ledger.executions import has_execution
from tasks.reporting.day.history import render_history, with_row
from tasks.reporting.day.store import read_history
from tasks.safety.audit import read_rows

EXECUTED = "execution.json"
APPROVAL, NO_ANSWER = "approval.json", "no_answer.json"
DECISIONS = (EXECUTED, APPROVAL, NO_ANSWER)  # the last that was made first: its remedy is the one that works


def refuse_decided(home: Home, session: date) -> None:
    """Raise SafetyError when a person or a broker already acted on the session.

    By the files of its directory, the ledger, or the audit log: the directory may be lost, or that of another
    publication. Of a damaged log, the rows that can be read count: the check `audit_log` blocks the day.
    """
    folder = home.day_folder(session)
    refuse_symlink(folder)
    for name in DECISIONS:
        if (folder / name).exists() or (folder / name).is_symlink():
            raise SafetyError(
                f"{folder.name} was already approved or executed: {folder / name} exists.",
                remedy=_decided_remedy(folder.name, name),
                path=str(folder / name),
            )
    if has_execution(home, session):
        raise SafetyError(
            f"{session} was already approved or executed: the ledger has its execution, but {folder / EXECUTED} is "
            "missing. Nothing was published.",
            remedy=restore_executed(session),
            path=str(folder / EXECUTED),
        )
    if folder.exists():
        _refuse_lost_decision(home, session)


def _refuse_lost_decision(home: Home, session: date) -> None:
    """Raise SafetyError when the audit log has a decision whose file the directory has lost."""
    decisions = decisions_about(session, read_rows(home))
    if decisions.approval_sha256:
        lost = NO_ANSWER if decisions.is_unanswered else APPROVAL
        raise SafetyError(
            f"{session} was already approved or executed: the audit log says so, but {lost} is missing.",
            remedy=f"Restore {lost} from a backup, or reject the day before it is run again: "
            f"`afterclose reject {session} --by NAME --reason TEXT`.",
            path=str(home.day_folder(session) / lost),
        )


def _decided_remedy(session: str, decision: str) -> str:
    if decision == EXECUTED:
        return (
            "An executed day is never rewritten. If its execution has not ended, finish it: "
            f"`afterclose execute {session} --no-dry-run`; otherwise run another session."
        )
    return (
        "An approved day is not rewritten. To run it again, reject it first: "
        f"`afterclose reject {session} --by NAME --reason TEXT`."
    )


def publish_folder(run: Run, files: Mapping[str, bytes], refuse_halt: Callable[[], None]) -> Path:
    """Write the day to live/DATE, completely or not at all.

    `refuse_halt` is called when the new directory is complete, before it replaces the old one. A trip that could not
    wait for the switch's lock renames such a directory, so that the day is not published even if this process hangs in
    between.
    """
    folder = run.home.day_folder(run.session)
    refuse_decided(run.home, run.session.day)
    try:
        _write_folder(folder, files, refuse_halt)
    except StorageError:
        refuse_halt()
        raise
    return folder


def publish_blocked(run: Run, files: Mapping[str, bytes]) -> Path:
    """Write a blocked day to reports/blocked/DATE; live/ is unchanged."""
    folder = run.home.reports / "blocked" / str(run.session)
    _write_folder(folder, files, lambda: None)
    return folder


def write_history_row(run: Run, row: dict[str, str]) -> None:
    """Rewrite performance_history.csv with this session's row inserted or replaced."""
    write_bytes(run.home.performance_file, render_history(with_row(read_history(run), row)))


def _write_folder(folder: Path, files: Mapping[str, bytes], last_look: Callable[[], None]) -> None:
    try:
        with replace_folder(folder) as beside:
            for name, content in sorted(files.items()):
                (beside / name).write_bytes(content)
            last_look()
    except OSError as error:
        raise StorageError(
            f"{folder} could not be written: {error.strerror or error}.",
            remedy="Free space or fix the permissions, then run again.",
            path=str(folder),
        ) from error
