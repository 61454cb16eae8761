"""The tables of the reconciliation in the ledger's database: locks, differences seen, acknowledgements, the account.

They are written in one transaction with the entries that a reconciliation books.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from tasks.execution.journal_rows import instant_cell
from tasks.execution.reconciliation.explain import Explanation
from tasks.execution.reconciliation.schema import Lock, Reconciliation
from tasks.ledger.database import ensure_tables, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.store import append, plain

PART, VERSION = "reconciliation", 1
TABLES = (
    """CREATE TABLE reconciliations (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    account TEXT NOT NULL,
    mode TEXT NOT NULL,
    is_preliminary INTEGER NOT NULL,
    blocks_all INTEGER NOT NULL,
    equity_cents INTEGER,
    book_equity_cents INTEGER
) STRICT""",
    """CREATE TABLE locks (
    symbol TEXT NOT NULL,
    difference_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    since TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (symbol, difference_id)
) STRICT""",
    """CREATE TABLE differences (
    difference_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    shares TEXT NOT NULL,
    cents INTEGER NOT NULL,
    explanation TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE acknowledgements (
    difference_id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT""",
    *(
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
        for table in ("reconciliations", "acknowledgements")
        for verb in ("update", "delete")
    ),
)


@dataclass(frozen=True)
class LastReconciliation:
    """The outcome of the last reconciliation, for the checks before sending."""

    at: datetime
    account: str
    mode: str
    is_preliminary: bool
    blocks_all: bool
    locks: tuple[Lock, ...]


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in the ledger's database, once."""
    ensure_tables(connection, PART, VERSION, TABLES)


def last_reconciliation(connection: sqlite3.Connection) -> LastReconciliation | None:
    """Return the last outcome; None if the home was never reconciled."""
    prepare(connection)
    row = connection.execute(
        "SELECT at, account, mode, is_preliminary, blocks_all FROM reconciliations ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    return LastReconciliation(
        datetime.fromisoformat(row[0]), row[1], row[2], bool(row[3]), bool(row[4]), read_locks(connection)
    )


def read_locks(connection: sqlite3.Connection) -> tuple[Lock, ...]:
    """Return the locks of the last reconciliation; symbol "" locks every name."""
    prepare(connection)
    rows = connection.execute(
        "SELECT symbol, difference_id, kind, since, reason FROM locks ORDER BY symbol, difference_id"
    )
    return tuple(Lock(row[0], row[1], row[2], datetime.fromisoformat(row[3]), row[4]) for row in rows)


def acknowledged(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of the differences that a person has acknowledged."""
    return frozenset(row[0] for row in connection.execute("SELECT difference_id FROM acknowledgements"))


def reconciled_account(connection: sqlite3.Connection) -> tuple[str, str] | None:
    """Return the name and mode of the account that the ledger first agreed with; None before."""
    row = connection.execute(
        "SELECT account, mode FROM reconciliations WHERE account != '' AND NOT blocks_all ORDER BY number LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], row[1])


def store(connection: sqlite3.Connection, found: Reconciliation, account: tuple[str, str]) -> int:
    """Book the entries and replace the locks in one transaction; return how many entries are new."""
    at = instant_cell(found.at)
    with transaction(connection):
        booked = append(connection, found.bookings)
        connection.execute("DELETE FROM locks")
        connection.executemany(
            "INSERT INTO locks VALUES (?, ?, ?, ?, ?)",
            {
                (k.symbol, k.difference_id): (*_key(k), k.kind, instant_cell(k.since), k.reason)
                for k in found.locks
            }.values(),
        )
        connection.executemany(
            "INSERT INTO differences VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (difference_id) DO UPDATE SET "
            "kind = excluded.kind, explanation = excluded.explanation, last_seen_at = excluded.last_seen_at",
            [
                (d.difference_id, d.kind, d.symbol, plain(d.shares), d.cents, d.explanation, at, at)
                for d in found.differences
            ],
        )
        connection.execute(
            "INSERT INTO reconciliations (at, account, mode, is_preliminary, blocks_all, equity_cents, "
            "book_equity_cents) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                at,
                *account,
                found.is_preliminary,
                found.blocks_all,
                found.equity_cents,
                found.book_equity_cents,
            ),
        )
    return booked


def store_explanation(
    connection: sqlite3.Connection, said: Explanation, entries: tuple[Entry, ...], *, at: datetime
) -> None:
    """Book what a person states of a difference, or without entries their acknowledgement."""
    with transaction(connection):
        append(connection, entries)
        if not entries:
            connection.execute(
                "INSERT OR IGNORE INTO acknowledgements VALUES (?, ?, ?, ?)",
                (said.difference_id, said.by, said.reason, instant_cell(at)),
            )


def _key(lock: Lock) -> tuple[str, str]:
    return lock.symbol, lock.difference_id
