"""Open the home's database of money and orders: SQLite in WAL mode, every commit synced to disk.

The ledger's table is created here; the execution adds its own tables with `ensure_tables` on the same connection, so
that a fill and the state of its order are committed in one transaction. The hash chain and the anchor that it is
compared with are in tasks/ledger/store.py.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from tasks.core.atomic import make_folder, refuse_symlink
from tasks.core.errors import ConfigError, SafetyError, StorageError, TransientError
from tasks.core.homes.home import Home
from tasks.ledger.anchor import Anchor, is_begun, read_anchor, write_anchor

BUSY_S = 30.0
PART, VERSION = "ledger", 1
RESTORE = "Restore it from a backup (`afterclose data restore`)"

# A row is never changed; ids have no gaps; a source occurs once, whatever the conflict clause of the INSERT.
TABLES = (
    """CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    session TEXT NOT NULL,
    at TEXT NOT NULL,
    symbol TEXT NOT NULL,
    shares TEXT NOT NULL,
    cash_cents INTEGER NOT NULL,
    receivable_cents INTEGER NOT NULL,
    fee_cents INTEGER NOT NULL,
    order_id TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT""",
    """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)
    OR EXISTS (SELECT 1 FROM entries WHERE source = NEW.source)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)


class LedgerConnection(sqlite3.Connection):
    """A connection that knows its home, so that the anchor can be written after each commit."""

    home: Home


def connect(home: Home) -> LedgerConnection:
    """Open the database; create it in a home whose ledger has not begun. Close it with `contextlib.closing`.

    Raises SafetyError if the home has a ledger and the file is missing or empty: it is never read as an empty one.
    Raises StorageError if the file cannot be used, ConfigError if a later release wrote it.
    """
    path = home.ledger_file
    refuse_symlink(path)
    begun = is_begun(home)
    if begun and not path.exists():
        raise lost_ledger(home, f"{path} is missing, though this home has a ledger")
    with database_errors(home):
        make_folder(path.parent)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, factory=LedgerConnection)
        connection.home = home
        try:
            _prepare(connection, must_exist=begun)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: LedgerConnection, *, must_exist: bool) -> None:
    for setting in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
    ):
        connection.execute(f"PRAGMA {setting}")
    if must_exist and _version(connection, PART) is None:
        home = connection.home
        raise lost_ledger(home, f"{home.ledger_file} has no ledger, though this home has one")
    ensure_tables(connection, PART, VERSION, TABLES)


@contextmanager
def opened(home: Home) -> Iterator[LedgerConnection]:
    """Yield a connection that is closed at the end of the block."""
    with closing(connect(home)) as connection:
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the block's changes together, or none of them; then note the ledger's new end in the anchor.

    BEGIN IMMEDIATE: no other process writes meanwhile. A crash between the commit and the note leaves a ledger that is
    longer than noted, which is accepted.
    """
    with database_errors(home_of(connection)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.rollback()
            raise
        _note_end(connection)


def ensure_tables(connection: sqlite3.Connection, part: str, version: int, statements: Sequence[str]) -> None:
    """Create the tables of a part of the program once, in one transaction. Raises ConfigError for another version."""
    found = _version(connection, part)
    if found is None:
        with transaction(connection):
            found = _version(connection, part)
            if found is None:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"
                )
                for statement in statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO parts VALUES (?, ?)", (part, version))
                return
    if found != version:
        home = home_of(connection)
        raise ConfigError(
            f"The tables of {part} in {home.ledger_file} have version {found}; this release supports {version}.",
            remedy="Run the release that wrote them, or a later one.",
            path=str(home.ledger_file),
        )


@contextmanager
def database_errors(home: Home) -> Iterator[None]:
    """Translate the errors of SQLite: TransientError while another process writes, else StorageError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise TransientError(
                f"{home.ledger_file} has been in use by another process for {BUSY_S:g} s.",
                remedy="Stop the hung process, then run again.",
                path=str(home.ledger_file),
            ) from error
        raise StorageError(
            f"{home.ledger_file} cannot be used: {error}.",
            remedy=f"Free space or fix its permissions; if the file is damaged: {RESTORE[0].lower()}{RESTORE[1:]}.",
            path=str(home.ledger_file),
        ) from error


def refuse_damaged(connection: sqlite3.Connection) -> None:
    """Raise StorageError if any page of the file is damaged, also where no entry is: reads the whole file."""
    home = home_of(connection)
    with database_errors(home):
        found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if found != "ok":
        raise StorageError(
            f"{home.ledger_file} is damaged: {found}.", remedy=f"{RESTORE}.", path=str(home.ledger_file)
        )


def lost_ledger(home: Home, what: str) -> SafetyError:
    """Return the error for a ledger that is missing, shortened, swapped or edited."""
    return SafetyError(
        f"{what}. A damaged ledger is not treated as an empty portfolio.",
        remedy=f"{RESTORE}. If it is lost for good, declare what is held in a new ledger: "
        "`afterclose positions import FILE --new-ledger --by NAME --reason TEXT`.",
        path=str(home.ledger_file),
    )


def end_of(connection: sqlite3.Connection) -> Anchor | None:
    """Return the number and digest of the last entry; None for an empty ledger. Verifies nothing."""
    row = connection.execute("SELECT id, hash FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    return Anchor(int(row[0]), str(row[1])) if row else None


def _note_end(connection: sqlite3.Connection) -> None:
    home = home_of(connection)
    end, noted = end_of(connection), read_anchor(home)
    if end is not None and (noted is None or noted.entries < end.entries):
        write_anchor(home, end)


def _version(connection: sqlite3.Connection, part: str) -> int | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'parts'").fetchone():
        return None
    row = connection.execute("SELECT version FROM parts WHERE name = ?", (part,)).fetchone()
    return int(row[0]) if row else None


def home_of(connection: sqlite3.Connection) -> Home:
    """Return the home whose ledger the connection opened."""
    if not isinstance(connection, LedgerConnection):
        raise TypeError("the connection was not opened by tasks.ledger.database.connect")
    return connection.home
