"""Show the ledger, write the positions file again from it, and book deposits and withdrawals."""

import csv as csv_format
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from flows.announcing import posts_news
from flows.operations.exports import export_path
from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result
from tasks.core.accountability import require_name_and_reason
from tasks.core.atomic import write_text
from tasks.core.clock import now
from tasks.core.errors import BrokerError, ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.opening import find_home, parsed_date, session_named, settings_of
from tasks.core.text import counted, no_formula
from tasks.execution.brokers.base import Activity
from tasks.execution.brokers.registry import post_flow
from tasks.execution.reconciliation.identity import activity_source
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import Balance, balance_of
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.positions_file import CASH, rebuild_positions
from tasks.ledger.store import entries, plain
from tasks.portfolio.holdings.bookkeeping import (
    Declaration,
    cents_of,
    declare_flow,
    flow_name,
    start_ledger,
    usd,
)
from tasks.portfolio.holdings.record import positions_of
from tasks.safety.audit import record

ENTRIES_SHOWN = 30
COLUMNS = ("session", "kind", "symbol", "shares", "cash_usd", "receivable_usd", "fee_usd", "by", "reason")
MORE_COLUMNS = ("order_id", "source", "at")  # of the CSV file and --json
LARGEST_USD = 10**12


@contextmanager
def portfolio_locked(home: Home, doing: str) -> Iterator[None]:
    """Hold the home's lock and the portfolio lock, in this order."""
    with exclusive(home.lock_file, doing=doing), exclusive(home.portfolio_lock, doing=doing):
        yield


def rebuild_file(options: Options) -> Result:
    """Replace live/current_positions.csv with what the ledger derives."""
    home = find_home(options.home)
    with portfolio_locked(home, "positions rebuild"):
        rebuild_positions(home)
        with opened(home) as connection:
            balance = balance_of(entries(connection))
    text = f"{home.positions_file} was written from the ledger."
    return _result(home, balance, text)


@posts_news
def book_flow(
    options: Options,
    kind: Literal["deposit", "withdrawal"],
    amount: str,
    *,
    by: str,
    reason: str,
    day: str | None,
    reference: str,
) -> Result:
    """Book a deposit or withdrawal of cash; the ledger begins with it if the home has none.

    An account that is kept in the home (brokers paper and manual) gets it first: nobody else states it there. A
    reconciliation after a crash in between books it under the same source.
    """
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    require_name_and_reason(f"A {kind}", by=by, reason=reason)
    cents = cents_in(amount)
    at = now()
    session = session_named(day, at=at)
    if not session.is_open:
        raise ConfigError(
            f"{session} is not a session.",
            remedy="Specify the session at whose close the cash was in the account.",
            date=str(session),
        )
    declared = Declaration(by, reason, session.day, at)
    name = flow_name(kind, cents, session.day, reference)
    with portfolio_locked(home, f"positions {kind}"):
        if kind == "withdrawal":
            initial = settings.portfolio.initial_cash_usd
            _refuse_overdrawn(home, cents, names={name, activity_source(name)}, initial_cash_usd=initial)
        start_ledger(home, initial_cash_usd=settings.portfolio.initial_cash_usd, declared=declared)
        detail = f"{usd(cents)} on {session}: {reason}"
        record(home, event=f"{kind}_declared", by=by, detail=detail, at=at)  # logged first
        flow = Activity(
            name, kind, "", Decimal(0), cents if kind == "deposit" else -cents, session.day, reason
        )
        declare_flow(
            home,
            kind,
            cents,
            declared,
            reference=reference,
            stated_as=activity_source(name),
            post=lambda: post_flow(home, settings, flow, at),
        )
        with opened(home) as connection:
            balance = balance_of(entries(connection))
    return _result(home, balance, f"Booked a {kind} of {usd(cents)} on {session}.")


def show_ledger(options: Options, *, first: str | None, last: str | None, csv: Path | None) -> Result:
    """Return the entries of these sessions in the order of booking; on a terminal the last 30 of all."""
    home = find_home(options.home)
    since = date.min if first is None else parsed_date(first)
    until = date.max if last is None else parsed_date(last)
    if since > until:
        raise ConfigError(f"--from {since} is after --to {until}.", remedy="Swap the two dates.")
    booked: tuple[Entry, ...] = ()
    if is_begun(home):
        with opened(home) as connection:
            booked = entries(connection)
    chosen = [_record(entry) for entry in booked if since <= entry.session <= until]
    if csv is not None:
        settings = settings_of(home, options.profile).settings
        write_text(export_path(csv, home, settings), _as_csv(chosen))
    shown = [] if csv is not None else chosen if first or last else chosen[-ENTRIES_SHOWN:]
    document = {
        "home": str(home.root),
        "entries": chosen,
        "balance": _balance(balance_of(booked)),
        "csv": None if csv is None else str(csv),
    }
    return Result(document, "\n".join(_lines(shown, len(chosen), balance_of(booked), csv)))


def _refuse_overdrawn(home: Home, cents: int, *, names: set[str], initial_cash_usd: float) -> None:
    """Raise BrokerError for a withdrawal of more than the cash, unless it is booked already under one of the names."""
    if is_begun(home):
        with opened(home) as connection:
            booked = entries(connection)
        if any(entry.source in names for entry in booked):
            return
        available = balance_of(booked).cash_cents
    else:
        available = cents_of(positions_of(home, initial_cash_usd=initial_cash_usd).cash_usd)
    if cents > available:
        raise BrokerError(
            f"{usd(cents)} cannot be withdrawn: only {usd(max(available, 0))} is available in cash. "
            "Nothing was booked.",
            remedy="Withdraw at most that, or sell first. What the broker has paid out already is booked by "
            "`afterclose reconcile`.",
        )


def cents_in(amount: str) -> int:
    """Parse a positive amount in USD with at most two decimals, such as 2500 or 2500.50."""
    try:
        value = Decimal(amount)
        cents = int(value * 100)
        is_usable = 0 < value <= LARGEST_USD and cents == value * 100
    except (InvalidOperation, ValueError, OverflowError):
        is_usable = False
    if not is_usable or not amount.replace(".", "", 1).isascii() or not amount.replace(".", "", 1).isdigit():
        raise ConfigError(
            f"{amount[:40]!r} is not an amount.",
            remedy="Write a positive number of US dollars with at most two decimals, for example 2500.50.",
        )
    return cents


def _record(entry: Entry) -> dict[str, str]:
    cells = {
        "session": str(entry.session),
        "kind": entry.kind,
        "symbol": entry.symbol,
        "shares": plain(entry.shares),
        "cash_usd": _dollars(entry.cash_cents),
        "receivable_usd": _dollars(entry.receivable_cents),
        "fee_usd": _dollars(entry.fee_cents),
        "by": entry.by,
        "reason": entry.reason,
    }
    return cells | {"order_id": entry.order_id, "source": entry.source, "at": entry.at.isoformat()}


def _dollars(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))


def _as_csv(rows: list[dict[str, str]]) -> str:
    numbers = {"shares", "cash_usd", "receivable_usd", "fee_usd"}
    written = io.StringIO()
    table = csv_format.writer(written, lineterminator="\n")
    table.writerow((*COLUMNS, *MORE_COLUMNS))
    for row in rows:
        table.writerow(text if name in numbers else no_formula(text) for name, text in row.items())
    return written.getvalue()


def _lines(shown: list[dict[str, str]], total: int, balance: Balance, csv: Path | None) -> Iterator[str]:
    if shown:
        yield aligned([COLUMNS, *(tuple(row[name] for name in COLUMNS) for row in shown)])
    yield f"{counted(total, 'entry', 'entries')}; balance: {_balance_text(balance)}"
    if 0 < len(shown) < total:
        yield f"shown: the last {len(shown)}; --from and --to choose others, --csv FILE writes all"
    if csv is not None:
        yield f"written to {csv}"


def _balance_text(balance: Balance) -> str:
    receivable = f", {usd(balance.receivable_cents)} receivable" if balance.receivable_cents else ""
    return f"{counted(len(balance.shares), 'position')}, {usd(balance.cash_cents)} in cash{receivable}"


def _balance(balance: Balance) -> dict[str, object]:
    return {
        "shares": {symbol: plain(shares) for symbol, shares in balance.shares.items()},
        "cash_usd": _dollars(balance.cash_cents),
        "receivable_usd": _dollars(balance.receivable_cents),
    }


def _result(home: Home, balance: Balance, text: str) -> Result:
    lines = [
        f"{symbol:<12} {format(shares.normalize(), ',f'):>14}" for symbol, shares in balance.shares.items()
    ]
    lines.append(f"{CASH:<12} {usd(balance.cash_cents):>14}")
    return Result({"home": str(home.root), **_balance(balance)}, "\n".join([text, *lines]))
