"""Keep the log of who halted, resumed and declared what: rows that only grow and that show where they were edited.

A broken log blocks the day (fault 55); it still takes rows, since no halt may wait for a repaired file.
The key comes from AFTERCLOSE_AUDIT_KEY, or from the file that AFTERCLOSE_AUDIT_KEY_FILE names (ADR 12).
"""

import os
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from tasks.core.chain import ChainFile, Verdict, append
from tasks.core.chain import verify as verify_chain
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.secret import read_secret
from tasks.core.sessions import EXCHANGE_TIME_ZONE

FIELDS = ("at", "event", "by", "detail")
KEY = "AFTERCLOSE_AUDIT_KEY"
ACCEPTED = "audit_log_accepted"
FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
)  # what a spreadsheet would compute; it shows the rest after an apostrophe


def record(
    home: Home, *, event: str, by: str, detail: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> None:
    """Append one row, on the disk before this returns. Times are written in the exchange's time zone."""
    append(_chain(home), _fields(event, by, detail, at), key=_key(home, environ))


def accept(
    home: Home, *, by: str, reason: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> Verdict:
    """Let a named person vouch for the log as it stands: damage, rows without the key, rows with an earlier key.

    Nothing is removed; the row that is appended covers every byte before it. Returns what `verify` says afterwards.
    """
    if not by.strip() or not reason.strip():
        raise ConfigError(
            "The audit log is accepted only by a named person, with a reason.",
            remedy="Give both --by NAME and --reason TEXT.",
        )
    append(_chain(home), _fields(ACCEPTED, by, reason, at), key=_key(home, environ), renew=True)
    return verify(home, environ)


def verify(home: Home, environ: Mapping[str, str] = os.environ) -> Verdict:
    """Follow the chain from its first row to the last one that was logged."""
    return verify_chain(_chain(home), key=_key(home, environ))


def broken(home: Home, verdict: Verdict) -> list[str]:
    """Say of every break where it is and what is wrong, and at the end what a person can do."""
    name = home.audit_log.relative_to(home.root)
    said = [
        f"{name}, line {found.line}{'' if found.byte is None else f' (byte {found.byte})'}: {found.why}"
        for found in verdict.breaks
    ]
    remedy = (
        "compare with a backup; a person lets it stand with `afterclose audit accept --by NAME --reason TEXT`"
    )
    return [*said, remedy] if said else []


def has_key(home: Home, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether rows are keyed here; raise ConfigError for a key that cannot be used."""
    return _key(home, environ) is not None


def _chain(home: Home) -> ChainFile:
    return ChainFile(home.audit_log, home.audit_anchor, FIELDS)


def _key(home: Home, environ: Mapping[str, str]) -> bytes | None:
    return read_secret(KEY, environ, outside=home.root)


def _fields(event: str, by: str, detail: str, at: datetime) -> list[str]:
    when = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).isoformat(timespec="seconds")
    return [_cell(text) for text in (when, event, by, detail)]


def _cell(text: str) -> str:
    """Take out line breaks, and quote what a spreadsheet would compute; no character of it is lost."""
    line = " ".join(text.encode(errors="backslashreplace").decode().split())
    return f"'{line}" if line.startswith(FORMULA_STARTS) else line
