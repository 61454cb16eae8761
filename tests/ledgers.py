"""Build ledgers for tests: entries, homes whose ledger has begun, and the SQLite file without its guards."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.ledger.database import TABLES, opened
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.store import append, entries

DAY = date(2024, 6, 14)
AT = datetime(2024, 6, 14, 20, 30, tzinfo=UTC)
FILE_SHA256 = "0" * 64


def entry(source: str, kind: Any = "fill", **fields: Any) -> Entry:
    """Return an entry of DAY, booked at AT."""
    shares = Decimal(str(fields.pop("shares", 0)))
    return Entry(kind, source, fields.pop("session", DAY), fields.pop("at", AT), shares=shares, **fields)


def new_home(folder) -> Home:
    home = Home(Path(folder))
    set_up(home)
    return home


def begun_home(folder, *held: tuple[str, int], cash_cents: int = 100_000, session: date = DAY) -> Home:
    """Return a home whose ledger began with these shares and this cash."""
    home = new_home(folder)
    holdings = tuple(Holding(symbol, Decimal(shares), session) for symbol, shares in held)
    begin_ledger(home, Opening(holdings, cash_cents, session, FILE_SHA256), at=AT)
    return home


def book(home: Home, *booked: Entry) -> int:
    with opened(home) as connection:
        return append(connection, booked)


def booked(home: Home) -> tuple[Entry, ...]:
    with opened(home) as connection:
        return entries(connection)


def tamper(home: Home, *statements: str) -> None:
    """Change the database as one would with the sqlite3 shell: without the triggers, which are put back."""
    with closing(sqlite3.connect(home.ledger_file, isolation_level=None)) as connection:
        for trigger in ("entries_no_update", "entries_no_delete", "entries_in_order"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
        for statement in TABLES[1:]:
            connection.execute(statement)
