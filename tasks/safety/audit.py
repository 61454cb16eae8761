"""The append-only, tamper-evident log of who halted, resumed and accepted what, and a second one of published plans.

Plans have a log of their own because the audit log is an input of a day: a row about the day itself would change the
next run of the same day.

A broken log blocks the day but still accepts rows, because a halt must not wait for a repair.
The key comes from AFTERCLOSE_AUDIT_KEY, or from the file that AFTERCLOSE_AUDIT_KEY_FILE names (ADR 12).
AFTERCLOSE_AUDIT_HEADS_FILE names a file outside the home that gets the head of the chain with every row; as with
the key, no setting in the home names it.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from tasks.core.accountability import require_name_and_reason
from tasks.core.chain.rows import ChainFile, Verdict, append, read_verified
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.secret import read_secret
from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import no_formula, one_line

FIELDS = ("at", "event", "by", "detail")
KEY, HEADS = "AFTERCLOSE_AUDIT_KEY", "AFTERCLOSE_AUDIT_HEADS_FILE"
ACCEPTED = "audit_log_accepted"

Log = Literal["audit", "plans"]


class Row(NamedTuple):
    """One row; `at` in the exchange's time zone, ISO 8601."""

    at: str
    event: str
    by: str
    detail: str


def record(
    home: Home,
    *,
    event: str,
    by: str,
    detail: str,
    at: datetime,
    environ: Mapping[str, str] = os.environ,
    log: Log = "audit",
) -> None:
    """Append one row and fsync it. Times are written in the exchange's time zone."""
    append(_chain(home, environ, log), _fields(event, by, detail, at), key=_key(home, environ))


def accept(
    home: Home, *, by: str, reason: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> Verdict:
    """Record that a named person accepts the log as it is: damage, rows without the key, rows with an earlier key.

    The log of plans is accepted with it where it is damaged.

    Nothing is removed; the appended row covers every byte before it. Returns the verdict of `verify` afterwards.
    """
    require_name_and_reason("Accepting the audit log", by=by, reason=reason)
    fields, key = _fields(ACCEPTED, by, reason, at), _key(home, environ)
    if verify(home, environ, log="plans").breaks:
        append(_chain(home, environ, "plans"), fields, key=key, renew=True)
    append(_chain(home, environ, "audit"), fields, key=key, renew=True)
    return verify(home, environ)


def verify(home: Home, environ: Mapping[str, str] = os.environ, *, log: Log = "audit") -> Verdict:
    """Verify the chain from its first row to the last one logged."""
    return _verified(home, environ, log)[0]


def read_intact(home: Home, environ: Mapping[str, str] = os.environ, *, log: Log = "audit") -> list[Row]:
    """Return every row of the log. Raises SafetyError if its chain is broken: a damaged log proves nothing."""
    verdict, rows = _verified(home, environ, log)
    if verdict.breaks:
        *breaks, remedy = describe_breaks(home, verdict, log=log)
        raise SafetyError(
            f"The {'audit log' if log == 'audit' else 'log of plans'} is not intact: {breaks[0]}.",
            remedy=f"{remedy[0].upper()}{remedy[1:]}.",
            path=str(_paths(home, log)[0]),
        )
    return [Row(*fields) for fields in rows]


def read_rows(home: Home, environ: Mapping[str, str] = os.environ) -> list[Row]:
    """Return every row that can be read, from an intact log or a broken one."""
    return [Row(*fields) for fields in _verified(home, environ, "audit")[1]]


def describe_breaks(home: Home, verdict: Verdict, *, log: Log = "audit") -> list[str]:
    """Return one line for each break, and the remedy last; empty for an intact log."""
    name = _paths(home, log)[0].relative_to(home.root)
    lines = [
        f"{name}, line {found.line}{'' if found.byte is None else f' (byte {found.byte})'}: {found.why}"
        for found in verdict.breaks
    ]
    remedy = "compare with a backup; to accept it as it is: `afterclose audit accept --by NAME --reason TEXT`"
    return [*lines, remedy] if lines else []


def has_key(home: Home, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a key is set. Raises ConfigError for an invalid key."""
    return _key(home, environ) is not None


def _verified(home: Home, environ: Mapping[str, str], log: Log) -> tuple[Verdict, list[tuple[str, ...]]]:
    """Verify a log. Days that were published before there was a log of plans have none, and no anchor either."""
    is_absent = log == "plans" and not any(path.exists() for path in _paths(home, log))
    return read_verified(_chain(home, environ, log), key=None if is_absent else _key(home, environ))


def _chain(home: Home, environ: Mapping[str, str], log: Log) -> ChainFile:
    heads = _heads(home, environ)
    if heads is not None and log == "plans":
        heads = heads.with_name(f"{heads.name}.plans")
    return ChainFile(*_paths(home, log), FIELDS, heads)


def _paths(home: Home, log: Log) -> tuple[Path, Path]:
    return (home.audit_log, home.audit_anchor) if log == "audit" else (home.plan_log, home.plan_anchor)


def _heads(home: Home, environ: Mapping[str, str]) -> Path | None:
    """Return the file of the copied heads, None without one. Raises ConfigError if it is inside the home."""
    named = environ.get(HEADS, "")
    if not named:
        return None
    path = Path(named)
    if not path.is_absolute() or path.resolve().is_relative_to(home.root.resolve()):
        raise ConfigError(
            f"{HEADS} names {path}, which is not an absolute path outside the home.",
            remedy="Name a file that the users who write to the home cannot rewrite, if possible on another machine.",
            path=str(path),
        )
    return path


def _key(home: Home, environ: Mapping[str, str]) -> bytes | None:
    return read_secret(KEY, environ, outside=home.root)


def _fields(event: str, by: str, detail: str, at: datetime) -> list[str]:
    when = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).isoformat(timespec="seconds")
    return [_cell(text) for text in (when, event, by, detail)]


def _cell(text: str) -> str:
    """Write one line without control characters, and quote text that a spreadsheet would evaluate."""
    return no_formula(one_line(text.encode(errors="backslashreplace").decode()))
