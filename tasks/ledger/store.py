"""Append entries to the ledger and read them back, verified.

Each row's digest covers the digest before it, so that an edited, removed, inserted or reordered row is detected; the
anchor (tasks/ledger/anchor.py) detects missing last rows and a swapped file. Digests are not keyed: whoever can write
the home can also rebuild the chain (docs/threat-model.md).
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

from tasks.core.chain.rows import GENESIS
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.core.text import counted
from tasks.ledger.anchor import Anchor, noted_opening, read_anchor
from tasks.ledger.database import (
    TABLES,
    database_errors,
    end_of,
    home_of,
    lost_ledger,
    transaction,
)
from tasks.ledger.entries import Entry, Kind

SELECT = """SELECT id, source, kind, session, at, symbol, shares, cash_cents, receivable_cents, fee_cents, order_id,
person, reason, hash FROM entries"""
INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
KINDS: frozenset[str] = frozenset(get_args(Kind))
DECLARED = frozenset({"correction", "deposit", "manual_trade", "withdrawal"})  # need a reason
LARGEST_CENTS, LARGEST_SHARES, SMALLEST_EXPONENT = 10**15, 10**12, -18
Row = tuple[object, ...]


def append(connection: sqlite3.Connection, entries: Iterable[Entry]) -> int:
    """Append the entries and return how many are new. Without an open transaction it commits one of its own.

    An entry whose source is in the ledger with equal content, apart from `at`, is skipped: the same event may be
    reported many times. The same source with different content raises SafetyError, as does an entry that is impossible,
    and nothing is appended.
    """
    if not connection.in_transaction:
        with transaction(connection):
            return append(connection, entries)
    home = home_of(connection)
    with database_errors(home):
        connection.execute("SAVEPOINT appending")  # all entries or none, even if the caller continues
        try:
            added = _append(connection, entries, home)
        except BaseException:
            connection.execute("ROLLBACK TO appending")
            raise
        finally:
            connection.execute("RELEASE appending")
    return added


def _append(connection: sqlite3.Connection, entries: Iterable[Entry], home: Home) -> int:
    end = _checked_end(connection, home)
    number, digest, added = end.entries, end.digest, 0
    for entry in entries:
        _refuse_impossible(entry)
        known = connection.execute(f"{SELECT} WHERE source = ?", (entry.source,)).fetchone()
        if known is not None:
            _refuse_other_content(entry, _entry(known), home)
            continue
        number += 1
        cells = (number, *_cells(entry))
        digest = _digest(digest, cells)
        connection.execute(INSERT, (*cells, digest))
        added += 1
    return added


def entries(connection: sqlite3.Connection, through: date | None = None) -> tuple[Entry, ...]:
    """Return the entries in the order of booking; with `through` only those of sessions until then.

    The whole ledger is verified first. Raises SafetyError if it was edited, shortened or swapped.
    """
    home = home_of(connection)
    with database_errors(home):
        anchor = read_anchor(home)  # before the rows: another process may append meanwhile
        _refuse_edited_schema(connection, home)
        rows = connection.execute(f"{SELECT} ORDER BY id").fetchall()
    _refuse_broken_chain(rows, home)
    digests = [str(row[-1]) for row in rows]
    _refuse_other_end(home, anchor, len(digests), dict(enumerate(digests, start=1)).get)
    found = (_entry(row) for row in rows)
    return tuple(entry for entry in found if through is None or entry.session <= through)


def end_of_ledger(connection: sqlite3.Connection) -> Anchor:
    """Return the number of entries and the last digest; compares them with the anchor, without verifying every row."""
    home = home_of(connection)
    with database_errors(home):
        return _checked_end(connection, home)


def _checked_end(connection: sqlite3.Connection, home: Home) -> Anchor:
    def digest_of(number: int) -> str | None:
        row = connection.execute("SELECT hash FROM entries WHERE id = ?", (number,)).fetchone()
        return str(row[0]) if row else None

    anchor = read_anchor(home)
    _refuse_edited_schema(connection, home)
    end = end_of(connection) or Anchor(0, GENESIS)
    _refuse_other_end(home, anchor, end.entries, digest_of)
    return end


def _refuse_other_end(
    home: Home, anchor: Anchor | None, found: int, digest_of: Callable[[int], str | None]
) -> None:
    """Raise SafetyError unless the ledger has the entries that the marker and the anchor note, and perhaps more."""
    opening = noted_opening(home)
    if opening is not None and anchor is None:  # before, the process may have died between commit and note
        raise lost_ledger(home, f"{home.ledger_anchor} is missing, so the number of entries is unknown")
    if opening is not None and digest_of(opening.entries) != opening.digest:
        raise lost_ledger(
            home, f"{home.ledger_file} is not the ledger of this home, or its opening was edited"
        )
    if anchor is None or digest_of(anchor.entries) == anchor.digest:
        return
    shortened = f"has {counted(found, 'entry', 'entries')}, though {anchor.entries} were booked"
    edited = f"differs from what was booked in entry {anchor.entries} or before it"
    raise lost_ledger(home, f"{home.ledger_file} {shortened if found < anchor.entries else edited}")


def _refuse_edited_schema(connection: sqlite3.Connection, home: Home) -> None:
    """Without the triggers and the unique source, a later append could change what is booked."""
    found = {
        str(row[0])
        for row in connection.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'entries' AND sql IS NOT NULL"
        )
    }
    if found != set(TABLES):
        raise lost_ledger(home, f"{home.ledger_file} was edited: its rules are not those of a ledger")


def _refuse_broken_chain(rows: list[Row], home: Home) -> None:
    digest = GENESIS
    sources = set()
    for number, row in enumerate(rows, start=1):
        digest = _digest(digest, row[:-1])
        if row[0] != number or row[-1] != digest or row[1] in sources:
            raise lost_ledger(home, f"{home.ledger_file} was edited: entry {number} does not verify")
        sources.add(row[1])


def _digest(before: str, cells: Row) -> str:
    return sha256_of_bytes(canonical_json([before, *cells]).encode())


def _cells(entry: Entry) -> Row:
    return (
        entry.source,
        entry.kind,
        entry.session.isoformat(),
        entry.at.astimezone(UTC).isoformat(),
        entry.symbol,
        plain(entry.shares),
        entry.cash_cents,
        entry.receivable_cents,
        entry.fee_cents,
        entry.order_id,
        entry.by,
        entry.reason,
    )


def plain(shares: Decimal) -> str:
    """Return the number without exponent or trailing zeros: equal numbers give equal text."""
    text = format(shares or abs(shares), "f")  # no negative zero
    return text.rstrip("0").rstrip(".") if "." in text else text


def _entry(row: Row) -> Entry:
    _, source, kind, session, at, symbol, shares, cash, receivable, fee, order_id, by, reason, _ = row
    return Entry(
        kind=kind,  # type: ignore[arg-type] # the chain verifies what `append` checked
        source=str(source),
        session=date.fromisoformat(str(session)),
        at=datetime.fromisoformat(str(at)),
        symbol=str(symbol),
        shares=Decimal(str(shares)),
        cash_cents=int(str(cash)),
        receivable_cents=int(str(receivable)),
        fee_cents=int(str(fee)),
        order_id=str(order_id),
        by=str(by),
        reason=str(reason),
    )


def _refuse_other_content(entry: Entry, known: Entry, home: Home) -> None:
    if replace(entry, at=known.at) != known:
        raise SafetyError(
            f"{entry.source} is in the ledger with different content: {_amounts(known)}, not {_amounts(entry)}.",
            remedy="Book the difference as an entry of its own (`restatement` or `correction`).",
            path=str(home.ledger_file),
            source=entry.source,
        )


def _amounts(entry: Entry) -> str:
    money = f"{entry.cash_cents} and {entry.receivable_cents} receivable cents"
    return f"{entry.kind} of {plain(entry.shares)} {entry.symbol or 'shares'}, {money}, on {entry.session}"


def _refuse_impossible(entry: Entry) -> None:
    for why in _faults(entry):
        raise SafetyError(
            f"The entry {entry.source!r} cannot be booked: {why}.",
            remedy="Nothing was booked. Correct what was entered or report the fault.",
            source=entry.source,
        )


def _faults(entry: Entry) -> Iterator[str]:
    if entry.kind not in KINDS:
        yield f"{entry.kind!r} is not a kind of entry"
    if not entry.source:
        yield "it has no source"
    if not entry.shares.is_finite() or abs(entry.shares) > LARGEST_SHARES:
        yield f"{entry.shares} is not a number of shares"
    elif Decimal(plain(entry.shares)).as_tuple().exponent < SMALLEST_EXPONENT:  # type: ignore[operator]
        yield f"{entry.shares} has too many decimals"
    if entry.shares and not entry.symbol:
        yield "its shares have no symbol"
    yield from _faults_of_money(entry)
    if entry.at.tzinfo is None:
        yield "its time has no time zone"
    if entry.kind in DECLARED and not entry.reason.strip():
        yield "it has no reason"
    if entry.kind == "correction" and not entry.by.strip():
        yield "it names no person"


def _faults_of_money(entry: Entry) -> Iterator[str]:
    for cents in (entry.cash_cents, entry.receivable_cents, entry.fee_cents):
        if type(cents) is not int or abs(cents) > LARGEST_CENTS:
            yield f"{cents!r} is not a whole number of cents"
    sign = {"deposit": 1, "withdrawal": -1}.get(entry.kind)
    if sign is not None and entry.cash_cents * sign <= 0:
        yield f"a {entry.kind} of {entry.cash_cents} cents has the wrong sign"
