"""Connect the positions file with the ledger: begin it, declare corrections, book deposits and withdrawals.

An amount in the file is read as it is written: shares exactly, cash rounded half to even to the cent. Every function
here changes the ledger, so the caller holds the home's lock and the portfolio lock.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, NamedTuple

from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes
from tasks.core.text import dollars
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import Balance, balance_of
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.positions_file import position_dates, rebuild_positions
from tasks.ledger.store import append, end_of_ledger, entries
from tasks.portfolio.holdings.positions import Position, Positions
from tasks.portfolio.holdings.record import open_portfolio, positions_of

ZERO = Decimal(0)


class Declaration(NamedTuple):
    """Who declares what, why, and when. Positions without a session are those at the close of `session`."""

    by: str
    reason: str
    session: date
    at: datetime


def start_ledger(
    home: Home, *, initial_cash_usd: float, declared: Declaration, net_flows_usd: float = 0.0
) -> bool:
    """Begin the home's ledger with its positions file; False if it has begun. The file's bytes do not change.

    A new home without the file begins with the initial cash. `net_flows_usd`: the capital flows that the performance
    history has of an earlier ledger, so that the next return is measured right. Idempotent.
    """
    if is_begun(home):
        return False
    held = positions_of(home, initial_cash_usd=initial_cash_usd)
    open_portfolio(home, initial_cash_usd=initial_cash_usd)
    content = read_bytes(home.positions_file)
    holdings = tuple(
        Holding(line.symbol, shares_of(line), line.session or declared.session)
        for line in held.positions
        if line.shares
    )
    opening = Opening(
        holdings,
        cents_of(held.cash_usd),
        declared.session,
        sha256_of_bytes(content),
        declared.by,
        declared.reason,
        cents_of(net_flows_usd),
    )
    return begin_ledger(home, opening, at=declared.at)


def declare_correction(
    home: Home, wanted: Positions, declared: Declaration, *, unchanged: Collection[str] = ()
) -> int:
    """Book the differences between the declared positions and the ledger as corrections, and write the file.

    Nothing is booked for the symbols in `unchanged`: after splits, the declaration states what the ledger holds.
    Returns the number of entries. A correction changes the books alone and counts as a gain or loss; a deposit or
    withdrawal is declared as such.
    """
    with opened(home) as connection:
        end = end_of_ledger(connection)
        booked = entries(connection)
        wrong = tuple(_corrections(booked, wanted, declared, unchanged, mark=end.digest[:16]))
        append(connection, wrong)
    rebuild_positions(home)
    return len(wrong)


def declare_flow(
    home: Home,
    kind: Literal["deposit", "withdrawal"],
    cents: int,
    declared: Declaration,
    *,
    reference: str,
    stated_as: str = "",
    post: Callable[[], bool] = lambda: False,
) -> None:
    """Book a deposit or withdrawal of `cents` (positive) on the declaration's session, and write the positions file.

    A second one of equal amount and session needs a `reference` of its own, because a command that is repeated after a
    crash must not count twice. `post` enters the flow once in the account that the home keeps for its broker, and
    returns whether there is such an account. If there is, the ledger entry is named `stated_as`, as reconciliation
    would name it: it books the entry if this process dies first.
    """
    name = flow_name(kind, cents, declared.session, reference)
    with opened(home) as connection:
        if any(entry.source in {name, stated_as} for entry in entries(connection)):
            rebuild_positions(home)  # the first run may have died before this
            raise ConfigError(
                f"A {kind} of {usd(cents)} on {declared.session} is already booked.",
                remedy="Nothing was booked again. To book another of the same amount and day, add --reference TEXT.",
                source=name,
            )
        source = stated_as if post() else name
        signed = cents if kind == "deposit" else -cents
        append(
            connection,
            [
                Entry(
                    kind,
                    source,
                    declared.session,
                    declared.at,
                    cash_cents=signed,
                    by=declared.by,
                    reason=declared.reason,
                )
            ],
        )
    rebuild_positions(home)


def flow_name(kind: str, cents: int, session: date, reference: str) -> str:
    """Return what tells a deposit or withdrawal from any other: equal for a command that is repeated."""
    return f"{kind}:{session}:{cents}:{reference}"


def shares_of(line: Position) -> Decimal:
    """Return the shares exactly as the file states them."""
    return Decimal(repr(float(line.shares)))


def cents_of(amount_usd: float) -> int:
    """Return whole cents, rounded half to even."""
    return int((Decimal(repr(float(amount_usd))) * 100).to_integral_value(ROUND_HALF_EVEN))


def usd(cents: int) -> str:
    """Return an amount as text, with a sign only if it is negative."""
    return dollars(cents / 100)


def _corrections(
    booked: tuple[Entry, ...],
    wanted: Positions,
    declared: Declaration,
    unchanged: Collection[str],
    *,
    mark: str,
) -> Iterator[Entry]:
    """Yield one entry for each symbol and for cash. An entry of no shares moves only the date of a position."""
    balance, dates = balance_of(booked), position_dates(booked)
    lines = {line.symbol: line for line in wanted.positions}
    for symbol in sorted((lines.keys() | balance.shares.keys()) - set(unchanged)):
        line = lines.get(symbol, Position(symbol, 0.0))
        before = dates.get(symbol, date.min)
        refuse_earlier(line, before)
        session = max(line.session or declared.session, before)
        change = shares_of(line) - balance.shares.get(symbol, ZERO)
        if change or (line.shares and session > before):
            yield _correction(f"{mark}:{symbol}", session, declared, symbol=symbol, shares=change)
    yield from _cash_correction(balance, wanted, declared, mark)


def _cash_correction(
    balance: Balance, wanted: Positions, declared: Declaration, mark: str
) -> Iterator[Entry]:
    missing = cents_of(wanted.cash_usd) - balance.cash_cents
    if missing:
        yield _correction(f"{mark}:CASH", declared.session, declared, cash_cents=missing)


def _correction(
    source: str,
    session: date,
    declared: Declaration,
    *,
    symbol: str = "",
    shares: Decimal = ZERO,
    cash_cents: int = 0,
) -> Entry:
    return Entry(
        "correction",
        f"correction:{source}",
        session,
        declared.at,
        symbol=symbol,
        shares=shares,
        cash_cents=cash_cents,
        by=declared.by,
        reason=declared.reason,
    )


def refuse_earlier(line: Position, booked_through: date) -> None:
    """Raise SafetyError for shares declared as of a session before splits that the ledger has booked."""
    if line.session is not None and line.session < booked_through:
        raise SafetyError(
            f"{line.symbol} is declared as of {line.session}, but the ledger has booked its splits through "
            f"{booked_through}.",
            remedy="Write the shares held at the last close and leave the session empty. Nothing was changed.",
            symbol=line.symbol,
        )
