"""Keep a log that only grows and that shows where it was tampered with: each row's hash covers all rows before it.

What was logged last is remembered outside the log too, so that rows cut off its end are missed as well. A broken log
blocks the day (fault 55); it still takes new rows, since what halts trading must never wait for a mended file.
"""

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from tasks.core.atomic import refuse_symlink, write_text
from tasks.core.errors import StorageError
from tasks.core.home import Home
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.core.sessions import EXCHANGE_TIME_ZONE

FIELDS = ("at", "event", "by", "detail")
COLUMNS = (*FIELDS, "hash")
GENESIS = "0" * 64


@dataclass(frozen=True)
class Chain:
    """How much of the log holds together. `broken_at` is the first bad line of the file, None when all is well."""

    rows: int
    last_hash: str
    broken_at: int | None = None
    why: str = ""


def record(home: Home, *, event: str, by: str, detail: str, at: datetime) -> None:
    """Append one row, on the disk before this returns. Times are written in the exchange's time zone."""
    when = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).isoformat(timespec="seconds")
    fields = [_one_line(text) for text in (when, event, by, detail)]
    with _locked(home.audit_log) as file:
        rows = _rows(file.read())
        last = rows[-1][-1] if rows else GENESIS
        digest = _hash(last, fields)
        file.write(_line(COLUMNS) if not rows else "")
        file.write(_line((*fields, digest)))
        file.flush()
        os.fsync(file.fileno())
        write_text(home.audit_anchor, canonical_json({"rows": len(rows) + 1, "hash": digest}) + "\n")


def verify(home: Home) -> Chain:
    """Follow the chain from its first row to the last one that was logged."""
    try:
        rows = _rows(home.audit_log.read_text(encoding="utf-8"))
    except FileNotFoundError:
        rows = []
    last = GENESIS
    for number, row in enumerate(rows):
        if len(row) != len(COLUMNS) or row[-1] != _hash(last, row[:-1]):
            return Chain(number, last, number + 2, "it was edited, or a row before it is gone")
        last = row[-1]
    chain = Chain(len(rows), last)
    anchor = _anchor(home.audit_anchor)
    if anchor is not None and (anchor[0] > len(rows) or (anchor[0] and rows[anchor[0] - 1][-1] != anchor[1])):
        return Chain(len(rows), last, len(rows) + 2, f"rows are gone: {anchor[0]} were logged")
    return chain


def _hash(previous: str, fields: list[str]) -> str:
    return sha256_of_bytes(canonical_json([previous, *fields]).encode())


def _rows(text: str) -> list[list[str]]:
    """Return the rows without the heading."""
    return list(csv.reader(io.StringIO(text)))[1:]


def _line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _one_line(text: str) -> str:
    """Take out line breaks, and the first characters that a spreadsheet would run."""
    return " ".join(text.split()).lstrip("=+-@")


def _anchor(path: Path) -> tuple[int, str] | None:
    try:
        remembered = json.loads(path.read_text(encoding="utf-8"))
        return int(remembered["rows"]), str(remembered["hash"])
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[TextIO]:
    """Open the log for appending, alone: two processes must not both follow the same row."""
    refuse_symlink(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8", newline="") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            yield file
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {error.strerror}.",
            remedy="Free space or mend permissions, then run again.",
            path=str(path),
        ) from error
