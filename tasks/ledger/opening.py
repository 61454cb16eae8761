"""Begin the ledger of a home with what it holds, once; set a lost ledger aside."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.ledger.anchor import forget_begun, is_begun, note_opening
from tasks.ledger.database import end_of, lost_ledger, opened, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.positions_file import OPENING, OPENING_FILE
from tasks.ledger.store import append, end_of_ledger, entries


@dataclass(frozen=True)
class Holding:
    """Shares that were held after the close of a session."""

    symbol: str
    shares: Decimal
    session: date


@dataclass(frozen=True)
class Opening:
    """What a home holds when its ledger begins, and the digest of the positions file that declares it."""

    holdings: tuple[Holding, ...]
    cash_cents: int
    session: date
    file_sha256: str
    by: str = ""
    reason: str = ""
    net_flows_cents: int = 0  # in the cash, and booked in a ledger that was lost


def begin_ledger(home: Home, opening: Opening, *, at: datetime) -> bool:
    """Book the opening entries and note in the marker that the home has a ledger; False if it has one already.

    Idempotent: after a crash in between, it starts over. The caller holds the home's lock and the portfolio lock.
    Raises SafetyError if more than an opening is booked: then the marker is an older one, and the ledger is the home's.
    """
    if is_begun(home):
        return False
    wanted = tuple(_entries(opening, at))
    with opened(home) as connection:
        is_unfinished = end_of(connection) is not None
        if is_unfinished:
            _refuse_used(home, connection)
    if is_unfinished:  # nothing relied on it yet, and what is held may have changed since
        set_aside(home, at=at)
    with opened(home) as connection:
        with transaction(connection):
            append(connection, wanted)
        end = end_of_ledger(connection)
    note_opening(home, end)
    return True


def _refuse_used(home: Home, connection: sqlite3.Connection) -> None:
    tables = {
        str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    has_executed = "executions" in tables and connection.execute("SELECT 1 FROM executions").fetchone()
    if has_executed or any(not entry.source.startswith(OPENING) for entry in entries(connection)):
        raise lost_ledger(
            home, f"{home.marker_file} does not record the ledger that this home has: it was replaced"
        )


def set_aside(home: Home, *, at: datetime) -> None:
    """Rename the files of a lost or unfinished ledger, so that a new one can begin.

    The caller holds the home's lock.
    """
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    try:
        for path in (home.ledger_anchor, home.ledger_file):
            beside = path.with_name(f"{path.stem}-{stamp}{path.suffix}")
            for end in ("-wal", "-shm", ""):
                old = path.with_name(path.name + end)
                if old.exists():
                    old.rename(beside.with_name(beside.name + end))
    except OSError as error:
        raise StorageError(
            f"{home.ledger_file} could not be renamed: {error.strerror}.",
            remedy="Make the home writable by this user, then run again.",
            path=str(home.ledger_file),
        ) from error
    forget_begun(home)


def _entries(opening: Opening, at: datetime) -> Iterable[Entry]:
    yield Entry(
        "opening",
        OPENING_FILE + opening.file_sha256,
        opening.session,
        at,
        cash_cents=opening.cash_cents - opening.net_flows_cents,
        by=opening.by,
        reason=opening.reason,
    )
    if opening.net_flows_cents:
        yield Entry(
            "deposit" if opening.net_flows_cents > 0 else "withdrawal",
            f"{OPENING}flows",
            opening.session,
            at,
            cash_cents=opening.net_flows_cents,
            by=opening.by,
            reason=opening.reason,
        )
    for held in opening.holdings:
        yield Entry(
            "opening",
            f"{OPENING}{held.symbol}",
            held.session,
            at,
            symbol=held.symbol,
            shares=held.shares,
            by=opening.by,
            reason=opening.reason,
        )
