"""Record that a home has a portfolio, and refuse to start over if its files are missing.

The home's marker records that a portfolio exists and how many rows its performance history has; published days are
evidence of a portfolio, too. Only a home without either starts with the initial cash; its positions file is written
with its first day. Once the home has a ledger (tasks/ledger), the file is derived from it, and one that differs is
refused. A person declares changes with `afterclose positions import` (docs/safety.md).
"""

import csv
import io
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from tasks.core.atomic import write_bytes, write_text
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import note_in_marker, noted_in_marker
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes, read_text
from tasks.core.sessions import day_named
from tasks.core.text import counted
from tasks.ledger.balance import NameCash, balance_of, cash_by_name, net_flows_cents
from tasks.ledger.positions_file import verified_entries
from tasks.portfolio.holdings.positions import Positions, parse_positions
from tasks.portfolio.schema import CASH

PORTFOLIO = "portfolio"  # its record in the marker
ROWS, SINCE = "history_rows", "history_since"
MANIFEST = "manifest.json"


def positions_of(home: Home, *, initial_cash_usd: float) -> Positions:
    """Return the positions held. Only a new home may lack the file: it holds just the initial cash.

    Raises SafetyError if the file is lost, or is not what the home's ledger derives.
    """
    booked = verified_entries(home)
    path = home.positions_file
    try:
        content = read_bytes(path)
        text = content.decode("utf-8")
    except FileNotFoundError:
        if _record(home) is None and not published_sessions(home):
            digest = sha256_of_bytes(opening_positions(initial_cash_usd))
            return Positions((), initial_cash_usd, digest, names=NameCash())
        raise _lost(home, f"{path} is missing, though this home has a portfolio") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _lost(home, f"{path} cannot be read: {error}") from error
    if not text.strip():
        raise _lost(home, f"{path} is empty")
    held = parse_positions(text, path=str(path))
    return replace(
        held,
        sha256=sha256_of_bytes(content),
        net_flows_usd=net_flows_cents(booked) / 100,
        receivable_usd=balance_of(booked).receivable_cents / 100,
        names=cash_by_name(booked) if booked or not held.positions else None,
    )


def opening_positions(initial_cash_usd: float) -> bytes:
    """Return the positions file of a new home: just the initial cash."""
    return f"symbol,shares\n{CASH},{initial_cash_usd!r}\n".encode()


def open_portfolio(home: Home, *, initial_cash_usd: float) -> None:
    """Record that this home has a portfolio, before its first day is published."""
    if not home.positions_file.exists():
        write_bytes(home.positions_file, opening_positions(initial_cash_usd))
    if _record(home) is None:
        note_in_marker(home, PORTFOLIO, {})


def note_history(home: Home) -> None:
    """Record the number of rows of the performance history, so that missing rows are detected."""
    note_in_marker(home, PORTFOLIO, {**(_record(home) or {}), ROWS: len(history_sessions(home) or ())})


def declare_portfolio(home: Home, text: str, *, accept_history: bool) -> None:
    """Replace the positions file; with `accept_history`, accept a performance history with missing rows."""
    write_text(home.positions_file, text)
    note_in_marker(home, PORTFOLIO, dict(_record(home) or {}))
    if accept_history:
        accept_short_history(home)


def accept_short_history(home: Home) -> None:
    """Accept a performance history with missing rows: the loss limits use those that remain."""
    days = published_sessions(home)
    accepted = {ROWS: len(history_sessions(home) or ()), SINCE: str(max(days)) if days else None}
    note_in_marker(home, PORTFOLIO, {**(_record(home) or {}), **accepted})


def refuse_short_history(home: Home, session: date | None) -> None:
    """Raise SafetyError if rows of the performance history are missing: without them losses would go undetected.

    The session's own row may be missing. So may the latest day's, if the marker counts the rows: a run may have been
    killed between publishing the day and writing its row.
    """
    record = _record(home) or {}
    days = published_sessions(home)
    rows = history_sessions(home)
    known = record.get(ROWS, 0)
    excused = {session, max(days)} if ROWS in record and days else {session}
    since = str(record.get(SINCE) or "")
    gone = sorted(day for day in days - excused - (rows or set()) if str(day) > since)
    if not gone and len(rows or ()) >= known:
        return
    where = home.performance_file
    if rows is None:
        what = f"{where} is missing, though days were published"
    elif gone:
        what = f"{where} has no row for {gone[0]}, which was published"
    else:
        what = f"{where} has {counted(len(rows), 'row')}; it had {known}"
    again = f", or run the day again with `afterclose daily --date {gone[-1]}`" if gone else ""
    raise SafetyError(
        f"{what}. Earlier losses would go undetected.",
        remedy=f"Restore it from a backup (`afterclose data restore`){again}. If the rows are lost for good, "
        f"accept the history as it is: `{_declare(home, str(home.positions_file))} --accept-history`",
        path=str(where),
    )


def published_sessions(home: Home) -> set[date]:
    """Return the sessions of all published days."""
    return {day for day in home.days() if (home.day_folder(day) / MANIFEST).is_file()}


def history_sessions(home: Home) -> set[date] | None:
    """Return the sessions in the performance history; None where there is no file."""
    path = home.performance_file
    try:
        text = read_text(path)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SafetyError(
            f"{path} cannot be read: {error}.",
            remedy="Restore it from a backup (`afterclose data restore`); the loss limits depend on it.",
            path=str(path),
        ) from error
    if text and not text.endswith("\n"):  # a truncated cell may still be a valid number
        raise SafetyError(
            f"{path} ends in the middle of its last line.",
            remedy="Restore it from a backup (`afterclose data restore`), or complete the line; the loss limits depend "
            "on it.",
            path=str(path),
        )
    found = (day_named(row[0]) for row in csv.reader(io.StringIO(text)) if row)
    return {day for day in found if day is not None}


def _record(home: Home) -> Mapping[str, Any] | None:
    record = noted_in_marker(home, PORTFOLIO)
    if record is None or (isinstance(record, dict) and isinstance(record.get(ROWS, 0), int)):
        return record
    raise SafetyError(
        f"{home.marker_file} is damaged: its record of the portfolio cannot be read.",
        remedy="Restore it from a backup (`afterclose data restore`): without it, a lost portfolio or history would "
        "go undetected.",
        path=str(home.marker_file),
    )


def _declare(home: Home, file: str) -> str:
    root = shlex.quote(str(home.root))
    return f"afterclose positions import {shlex.quote(file)} --home {root} --by NAME --reason TEXT"


def _lost(home: Home, what: str) -> SafetyError:
    return SafetyError(
        f"{what}. A missing portfolio is not treated as empty.",
        remedy="Restore it from a backup (`afterclose data restore`), "
        f"or declare what is held: `{_declare(home, 'FILE')}`",
        path=str(home.positions_file),
    )
