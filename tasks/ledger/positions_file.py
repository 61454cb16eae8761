"""Derive live/current_positions.csv from the ledger, and refuse a file that differs.

Dates. The daily run multiplies a position by the splits after the session that the file gives for it. The ledger
books the same splits when the broker reports them. So that none is counted twice or missed, a position is dated by the
session of the last entry that changed its shares. This requires that all earlier splits of a symbol, by ex-date, are
booked before a fill or another split of it.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tasks.core.atomic import write_bytes
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.store import entries, plain

CASH = "CASH"
WITHOUT_SHARES = frozenset({"dividend", "dividend_due", "fee", "interest"})
OPENING = "opening:"  # how the sources of the opening entries begin
OPENING_FILE = f"{OPENING}file:"  # that of the cash ends with the digest of the positions file


def positions_bytes(booked: Iterable[Entry]) -> bytes:
    """Return the file's bytes: symbol, shares, session, and cash in USD. Raises SafetyError for a short position."""
    booked = tuple(booked)
    balance, dates = balance_of(booked), position_dates(booked)
    lines = ["symbol,shares,session"]
    for symbol, shares in balance.shares.items():
        if shares < 0:
            raise SafetyError(
                f"The ledger has a short position: {plain(shares)} shares of {symbol}.",
                remedy="Run `afterclose reconcile`, then explain what it lists, or close the position at the broker.",
                symbol=symbol,
            )
        lines.append(f"{symbol},{plain(shares)},{dates[symbol]}")
    cash = Decimal(balance.cash_cents).scaleb(-2)
    return "\n".join([*lines, f"{CASH},{cash},", ""]).encode()


def position_dates(booked: Iterable[Entry]) -> dict[str, date]:
    """Return for each symbol ever held the session through which its splits are booked."""
    dates: dict[str, date] = {}
    for entry in booked:
        if entry.symbol and entry.kind not in WITHOUT_SHARES:
            dates[entry.symbol] = max(dates.get(entry.symbol, date.min), entry.session)
    return dates


def rebuild_positions(home: Home) -> bytes:
    """Replace live/current_positions.csv atomically with what the ledger derives, and return its bytes.

    The file from which the ledger began keeps its bytes until something else is booked: approvals bind them. The
    ledger is unchanged. The caller holds the portfolio lock. Raises SafetyError in a home without a ledger.
    """
    if not is_begun(home):
        raise SafetyError(
            f"{home.root} has no ledger yet, so its positions cannot be derived.",
            remedy="Declare them: `afterclose positions import FILE --by NAME --reason TEXT`.",
            home=str(home.root),
        )
    with opened(home) as connection:
        booked = entries(connection)
    found = _file(home)
    if found is not None and _is_opening_file(found, booked):
        return found
    content = positions_bytes(booked)
    write_bytes(home.positions_file, content)
    return content


def verified_entries(home: Home) -> tuple[Entry, ...]:
    """Return the entries of the ledger; none if it has not begun.

    Raises SafetyError if the positions file is not what they derive. The file from which the ledger began is accepted
    byte for byte until something else is booked: approvals bind it.
    """
    if not is_begun(home):
        return ()
    with opened(home) as connection:
        booked = entries(connection)
    found = _file(home)
    if found is not None and (found == positions_bytes(booked) or _is_opening_file(found, booked)):
        return booked
    what = (
        "is missing" if found is None else "differs from the ledger: it was edited, or a run was interrupted"
    )
    raise SafetyError(
        f"{home.positions_file} {what}. Positions and cash are what the ledger has booked.",
        remedy="Write it again from the ledger: `afterclose positions rebuild`. If the ledger is wrong: `afterclose "
        "positions import FILE --by NAME --reason TEXT` shows the correction, and books it with `--replace`.",
        path=str(home.positions_file),
    )


def _file(home: Home) -> bytes | None:
    try:
        return read_bytes(home.positions_file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SafetyError(
            f"{home.positions_file} cannot be read: {error.strerror}.",
            remedy="Fix its permissions, then run again.",
            path=str(home.positions_file),
        ) from error


def _is_opening_file(found: bytes, booked: tuple[Entry, ...]) -> bool:
    return all(entry.source.startswith(OPENING) for entry in booked) and any(
        entry.source == OPENING_FILE + sha256_of_bytes(found) for entry in booked
    )
