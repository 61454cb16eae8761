"""The append-only, tamper-evident log of who halted, resumed and accepted what.

A broken log blocks the day but still accepts rows, because a halt must not wait for a repair.
The key comes from AFTERCLOSE_AUDIT_KEY, or from the file that AFTERCLOSE_AUDIT_KEY_FILE names (ADR 12).
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tasks.core.chain import ChainFile, Verdict, append, read_verified
from tasks.core.chain import verify as verify_chain
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.secret import read_secret
from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import one_line

FIELDS = ("at", "event", "by", "detail")
KEY = "AFTERCLOSE_AUDIT_KEY"
ACCEPTED = "audit_log_accepted"
FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
)  # a spreadsheet evaluates such cells; a leading apostrophe prevents it


class Row(NamedTuple):
    """One row; `at` in the exchange's time zone, ISO 8601."""

    at: str
    event: str
    by: str
    detail: str


def record(
    home: Home, *, event: str, by: str, detail: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> None:
    """Append one row and fsync it. Times are written in the exchange's time zone."""
    append(_chain(home), _fields(event, by, detail, at), key=_key(home, environ))


def accept(
    home: Home, *, by: str, reason: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> Verdict:
    """Record that a named person accepts the log as it is: damage, rows without the key, rows with an earlier key.

    Nothing is removed; the appended row covers every byte before it. Returns the verdict of `verify` afterwards.
    """
    if not by.strip() or not reason.strip():
        raise ConfigError(
            "Accepting the audit log requires a name and a reason.",
            remedy="Give both --by NAME and --reason TEXT.",
        )
    append(_chain(home), _fields(ACCEPTED, by, reason, at), key=_key(home, environ), renew=True)
    return verify(home, environ)


def verify(home: Home, environ: Mapping[str, str] = os.environ) -> Verdict:
    """Verify the chain from its first row to the last one logged."""
    return verify_chain(_chain(home), key=_key(home, environ))


def read_intact(home: Home, environ: Mapping[str, str] = os.environ) -> list[Row]:
    """Return every row of the log. Raises SafetyError if its chain is broken: a damaged log proves nothing."""
    verdict, rows = read_verified(_chain(home), key=_key(home, environ))
    if verdict.breaks:
        *breaks, remedy = describe_breaks(home, verdict)
        raise SafetyError(
            f"The audit log is not intact: {breaks[0]}.",
            remedy=f"{remedy[0].upper()}{remedy[1:]}.",
            path=str(home.audit_log),
        )
    return [Row(*fields) for fields in rows]


def describe_breaks(home: Home, verdict: Verdict) -> list[str]:
    """Return one line for each break, and the remedy last; empty for an intact log."""
    name = home.audit_log.relative_to(home.root)
    lines = [
        f"{name}, line {found.line}{'' if found.byte is None else f' (byte {found.byte})'}: {found.why}"
        for found in verdict.breaks
    ]
    remedy = "compare with a backup; to accept it as it is: `afterclose audit accept --by NAME --reason TEXT`"
    return [*lines, remedy] if lines else []


def has_key(home: Home, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a key is set. Raises ConfigError for an invalid key."""
    return _key(home, environ) is not None


def _chain(home: Home) -> ChainFile:
    return ChainFile(home.audit_log, home.audit_anchor, FIELDS)


def _key(home: Home, environ: Mapping[str, str]) -> bytes | None:
    return read_secret(KEY, environ, outside=home.root)


def _fields(event: str, by: str, detail: str, at: datetime) -> list[str]:
    when = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).isoformat(timespec="seconds")
    return [_cell(text) for text in (when, event, by, detail)]


def _cell(text: str) -> str:
    """Write one line without control characters, and quote text that a spreadsheet would evaluate."""
    line = one_line(text.encode(errors="backslashreplace").decode())
    return f"'{line}" if line.startswith(FORMULA_STARTS) else line
