"""The paper account on disk: an SQLite database of its own, since it is the broker's truth and not the home's.

Written in WAL mode with synchronous=FULL; every change is one transaction, so that a killed process leaves the account
before or after it. A home that had an account and has lost it gets an error, never a new account.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any

from tasks.core.atomic import LEFTOVER_SUFFIX, make_folder, sync_folder
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import note_in_marker, noted_in_marker
from tasks.core.ids import sha256_of_record
from tasks.execution.brokers.base import Activity, BrokerOrder, Status
from tasks.execution.brokers.paper.fills import Stage
from tasks.execution.brokers.paper.night import Due, Holdings
from tasks.execution.schema import Order

MARKER = "paper_account"  # its record in the home's marker
WAIT_S = 30.0  # for another process's transaction
DECLARE = "Declare what the account holds: `afterclose positions import FILE --by NAME --reason TEXT`."

SCHEMA = """
CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, opening TEXT NOT NULL,
  cash_cents INTEGER NOT NULL CHECK (cash_cents >= 0), session TEXT NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('open', 'close'))
);
CREATE TABLE positions (symbol TEXT PRIMARY KEY, shares INTEGER NOT NULL CHECK (shares > 0));
CREATE TABLE due (
  symbol TEXT NOT NULL, ex_date TEXT NOT NULL, cents INTEGER NOT NULL, sessions_left INTEGER NOT NULL
);
CREATE TABLE orders (
  number INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, symbol TEXT NOT NULL,
  side TEXT NOT NULL, shares INTEGER NOT NULL, timing TEXT NOT NULL, limit_cents INTEGER NOT NULL,
  status TEXT NOT NULL, filled_shares INTEGER NOT NULL DEFAULT 0, filled_cents INTEGER NOT NULL DEFAULT 0,
  fee_cents INTEGER NOT NULL DEFAULT 0, submitted_at TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  CHECK (filled_shares BETWEEN 0 AND shares)
);
CREATE INDEX open_orders ON orders (number) WHERE status = 'open';
CREATE TABLE proceeds (session TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE activities (
  number INTEGER PRIMARY KEY, activity_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, symbol TEXT NOT NULL,
  shares INTEGER NOT NULL, cash_cents INTEGER NOT NULL, session TEXT NOT NULL, note TEXT NOT NULL,
  receivable_cents INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class Head:
    """The account and how far it has processed the market."""

    name: str
    cash_cents: int
    session: date
    stage: Stage  # the last one processed


@dataclass(frozen=True)
class StoredOrder:
    """An order as stored, with what the account needs to fill it."""

    order_id: str
    session: date  # of the decision
    symbol: str
    side: Any
    shares: int
    timing: Any
    limit_cents: int
    status: Status
    filled_shares: int
    filled_cents: int
    fee_cents: int
    submitted_at: datetime
    reason: str

    @property
    def left(self) -> int:
        return self.shares - self.filled_shares

    def as_broker_order(self) -> BrokerOrder:
        return BrokerOrder(
            self.order_id,
            self.symbol,
            self.side,
            Decimal(self.shares),
            self.status,
            Decimal(self.filled_shares),
            self.filled_cents,
            self.fee_cents,
            self.submitted_at,
            self.reason,
        )


def begin_paper_account(
    home: Home, shares: Mapping[str, Decimal], cash_cents: int, *, session: date, name: str
) -> bool:
    """Open the home's paper account with what is held after the close of the session; False if it has one.

    The caller holds the home's lock. Raises ConfigError for a fraction of a share, a short position or a debt, and
    SafetyError if the home had an account that is lost.
    """
    if has_paper_account(home):
        return False
    held = {symbol: _whole(symbol, count) for symbol, count in sorted(shares.items()) if count}
    if cash_cents < 0:
        raise ConfigError(
            f"A paper account cannot begin with {cash_cents / 100:,.2f} USD of cash.",
            remedy=DECLARE,
        )
    opening = sha256_of_record([name, cash_cents, str(session), *(f"{s} {n}" for s, n in held.items())])
    if not home.paper_account.exists():
        _create(home.paper_account, name, opening, held, cash_cents, session)
    elif _opening(home.paper_account) != opening:  # not one that a killed process had just begun
        raise _lost(home, "is not recorded in the home's marker, so it may be another home's account")
    note_in_marker(home, MARKER, {"opening": opening})
    return True


def check_paper_account(home: Home) -> None:
    """Raise SafetyError if the home's account is missing, damaged, or another one."""
    if not has_paper_account(home):
        raise SafetyError(
            "This home has no paper account yet.",
            remedy="Run `afterclose execute --no-dry-run` once: it opens the account with the positions of the home.",
            path=str(home.paper_account),
        )


def has_paper_account(home: Home) -> bool:
    """Return whether the home has begun a paper account. Raises SafetyError if it has one that is lost."""
    noted = noted_in_marker(home, MARKER)
    if noted is None:
        return False
    wanted = noted.get("opening") if isinstance(noted, dict) else None
    if not home.paper_account.exists():
        raise _lost(home, "is missing, though this home has a paper account")
    if _opening(home.paper_account) != wanted:
        raise _lost(home, "is not the account that this home opened")
    return True


def _lost(home: Home, what: str) -> SafetyError:
    return SafetyError(
        f"{home.paper_account} {what}. A lost account is not treated as empty.",
        remedy="Restore it from a backup (`afterclose data restore`).",
        path=str(home.paper_account),
    )


def _whole(symbol: str, count: Decimal) -> int:
    if count != int(count) or count < 0:
        raise ConfigError(
            f"{count} shares of {symbol} are held: a paper account requires whole shares and no short positions.",
            remedy=DECLARE,
            symbol=symbol,
        )
    return int(count)


def _create(
    path: Path, name: str, opening: str, held: Mapping[str, int], cash_cents: int, session: date
) -> None:
    make_folder(path.parent)
    new = path.with_name(f".{path.name}{LEFTOVER_SUFFIX}")
    for leftover in path.parent.glob(f"{new.name}*"):
        leftover.unlink()
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}")
        connection.execute(
            "INSERT INTO account VALUES (1, ?, ?, ?, ?, 'close')", (name, opening, cash_cents, str(session))
        )
        connection.executemany("INSERT INTO positions VALUES (?, ?)", held.items())
        connection.execute("COMMIT")
    finally:
        connection.close()
    new.replace(path)
    sync_folder(path.parent)


def _opening(path: Path) -> str:
    try:
        with opened(path) as connection:
            return str(connection.execute("SELECT opening FROM account").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise SafetyError(
            f"{path} cannot be read: {error}.",
            remedy="Restore it from a backup (`afterclose data restore`).",
            path=str(path),
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing account; never creates one."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=WAIT_S
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        yield connection
    finally:
        connection.close()


@contextmanager
def changing(connection: sqlite3.Connection) -> Iterator[None]:
    """Make what is done inside one transaction, with no other writer from its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def head_of(connection: sqlite3.Connection) -> Head:
    """Return the state of the account."""
    name, cash, session, stage = connection.execute(
        "SELECT name, cash_cents, session, stage FROM account"
    ).fetchone()
    return Head(name, cash, date.fromisoformat(session), stage)


def set_head(connection: sqlite3.Connection, session: date, stage: Stage) -> None:
    """Store how far the market has been processed."""
    connection.execute("UPDATE account SET session = ?, stage = ?", (str(session), stage))


def shares_of(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the shares by symbol."""
    return dict(connection.execute("SELECT symbol, shares FROM positions ORDER BY symbol"))


def holdings_of(connection: sqlite3.Connection) -> Holdings:
    """Return shares, cash and dividends due."""
    rows = connection.execute("SELECT symbol, ex_date, cents, sessions_left FROM due ORDER BY rowid")
    due = tuple(Due(symbol, date.fromisoformat(day), cents, left) for symbol, day, cents, left in rows)
    return Holdings(shares_of(connection), head_of(connection).cash_cents, due)


def store_holdings(connection: sqlite3.Connection, holdings: Holdings) -> None:
    """Replace shares, cash and dividends due."""
    connection.execute("DELETE FROM positions")
    connection.executemany("INSERT INTO positions VALUES (?, ?)", sorted(holdings.shares.items()))
    connection.execute("UPDATE account SET cash_cents = ?", (holdings.cash_cents,))
    connection.execute("DELETE FROM due")
    connection.executemany(
        "INSERT INTO due VALUES (?, ?, ?, ?)",
        [(item.symbol, str(item.ex_date), item.cents, item.sessions_left) for item in holdings.due],
    )


def add_shares(connection: sqlite3.Connection, symbol: str, change: int) -> None:
    """Change a position; the database refuses a negative one."""
    shares = shares_of(connection).get(symbol, 0) + change
    connection.execute("DELETE FROM positions WHERE symbol = ?", (symbol,))
    if shares:
        connection.execute("INSERT INTO positions VALUES (?, ?)", (symbol, shares))


def add_cash(connection: sqlite3.Connection, change: int) -> None:
    """Change the cash; the database refuses a negative amount."""
    connection.execute("UPDATE account SET cash_cents = cash_cents + ?", (change,))


def add_activities(connection: sqlite3.Connection, activities: Iterable[Activity]) -> None:
    """Add activities; the database refuses an id that it has."""
    columns = "activity_id, kind, symbol, shares, cash_cents, session, note, receivable_cents"
    connection.executemany(
        f"INSERT INTO activities ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [
            (
                item.activity_id,
                item.kind,
                item.symbol,
                int(item.shares),
                item.cash_cents,
                str(item.session),
                item.note,
                item.receivable_cents,
            )
            for item in activities
        ],
    )


def activities_since(connection: sqlite3.Connection, since: date) -> tuple[Activity, ...]:
    """Return the activities of the session and later ones, oldest first."""
    rows = connection.execute(
        "SELECT activity_id, kind, symbol, shares, cash_cents, session, note, receivable_cents FROM activities "
        "WHERE session >= ? ORDER BY session, number",
        (str(since),),
    )
    return tuple(
        Activity(name, kind, symbol, Decimal(shares), cash, date.fromisoformat(day), note, receivable)
        for name, kind, symbol, shares, cash, day, note, receivable in rows
    )


def add_proceeds(connection: sqlite3.Connection, session: date, cents: int) -> None:
    """Add the proceeds of a sale, so that they settle later."""
    connection.execute("INSERT INTO proceeds VALUES (?, ?)", (str(session), cents))


def proceeds_since(connection: sqlite3.Connection, session: date) -> int:
    """Return the proceeds of sales in the session and later ones."""
    found = connection.execute(
        "SELECT COALESCE(SUM(cents), 0) FROM proceeds WHERE session >= ?", (str(session),)
    ).fetchone()
    return int(found[0])


ORDER_COLUMNS = (
    "order_id, session, symbol, side, shares, timing, limit_cents, status, filled_shares, filled_cents, "
    "fee_cents, submitted_at, reason"
)


def add_order(connection: sqlite3.Connection, order: Order, limit_cents: int, at: datetime) -> None:
    """Add an open order."""
    values = (
        order.order_id,
        str(order.session),
        order.symbol,
        order.side,
        order.shares,
        order.timing,
        limit_cents,
        Status.OPEN,
        at.isoformat(),
    )
    connection.execute(
        "INSERT INTO orders (order_id, session, symbol, side, shares, timing, limit_cents, status, submitted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def order_of(connection: sqlite3.Connection, order_id: str) -> StoredOrder | None:
    """Return the order with this id; None without one."""
    rows = connection.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE order_id = ?",  # noqa: S608
        (order_id,),
    )
    return next((_order(row) for row in rows), None)


def open_orders_of(connection: sqlite3.Connection) -> list[StoredOrder]:
    """Return the open orders in the order in which they were submitted."""
    rows = connection.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE status = 'open' ORDER BY number"  # noqa: S608
    )
    return [_order(row) for row in rows]


def order_ids_of(connection: sqlite3.Connection, since: datetime) -> frozenset[str]:
    """Return the ids of the orders that were submitted after `since`: the newest, without reading all the others."""
    rows = connection.execute("SELECT order_id, submitted_at FROM orders ORDER BY number DESC")
    recent = takewhile(lambda row: datetime.fromisoformat(row[1]) > since, rows)
    return frozenset(order_id for order_id, _ in recent)


def add_fill(
    connection: sqlite3.Connection, order: StoredOrder, shares: int, cents: int, fee_cents: int
) -> None:
    """Add to the order's totals; it is filled when nothing is left."""
    status = Status.FILLED if shares == order.left else Status.OPEN
    connection.execute(
        "UPDATE orders SET filled_shares = filled_shares + ?, filled_cents = filled_cents + ?, "
        "fee_cents = fee_cents + ?, status = ? WHERE order_id = ?",
        (shares, cents, fee_cents, status, order.order_id),
    )


def end_order(connection: sqlite3.Connection, order_id: str, status: Status, reason: str) -> None:
    """End an open order; one that has ended stays as it is."""
    connection.execute(
        "UPDATE orders SET status = ?, reason = ? WHERE order_id = ? AND status = 'open'",
        (status, reason, order_id),
    )


def _order(row: tuple[Any, ...]) -> StoredOrder:
    name, session, symbol, side, shares, timing, limit, status, filled, cents, fee, at, reason = row
    return StoredOrder(
        name,
        date.fromisoformat(session),
        symbol,
        side,
        shares,
        timing,
        limit,
        Status(status),
        filled,
        cents,
        fee,
        datetime.fromisoformat(at),
        reason,
    )
