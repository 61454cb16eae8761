"""Show the positions held, or declare them in the name of a person.

The first declaration begins the home's ledger; a later one is booked in it as corrections, once it is confirmed.
"""

import shlex
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from flows.announcing import posts_news
from flows.operations.decisions.persons import require_second
from flows.operations.trading.declared_file import (
    lacks_price,
    read_declared,
    refuse_before_market,
    refuse_unknown,
)
from flows.operations.trading.ledger import portfolio_locked
from flows.terminal import Options, Result
from tasks.core.accountability import require_name_and_reason
from tasks.core.atomic import write_text
from tasks.core.clock import now
from tasks.core.errors import AftercloseError, ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import last_closed_session
from tasks.core.text import counted, dollars
from tasks.execution.brokers.manual.store import Signed
from tasks.execution.brokers.registry import declare_statement, last_closes, stored_market
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.opening import set_aside
from tasks.ledger.positions_file import position_dates
from tasks.ledger.store import entries
from tasks.portfolio.holdings.bookkeeping import (
    Declaration,
    cents_of,
    declare_correction,
    refuse_earlier,
    shares_of,
    start_ledger,
)
from tasks.portfolio.holdings.declared_change import DeclaredChange, shares_by_symbol
from tasks.portfolio.holdings.known_symbols import KnownSymbols, read_known_symbols
from tasks.portfolio.holdings.positions import Position, Positions
from tasks.portfolio.holdings.record import (
    accept_short_history,
    declare_portfolio,
    positions_of,
    published_sessions,
)
from tasks.portfolio.schema import CASH
from tasks.safety.audit import record
from tasks.safety.equity_history import read_equity_history

OVERDRAWN_BEFORE = "Their cash is negative, so that file cannot be imported as it is."
STATIC_PROVIDERS = ("files", "simulated")


def show_positions(options: Options) -> Result:
    """Return the shares of each symbol, and the cash."""
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    return _result(home, positions_of(home, initial_cash_usd=settings.portfolio.initial_cash_usd))


@posts_news
def import_positions(
    options: Options,
    file: Path,
    *,
    by: str,
    reason: str,
    accept_history: bool,
    new_ledger: bool = False,
    replace: bool = False,
    second: str = "",
) -> Result:
    """Check the file, log who declares it, then begin the ledger with it or book what differs as corrections.

    Where a portfolio exists, what differs is only shown (3) without `replace`; with it, the positions held until then
    are stored first, so that they can be declared again. A correction requires a `second` person where an approval
    requires two.
    """
    home = find_home(options.home)
    require_name_and_reason("Declaring positions", by=by, reason=reason)
    text, declared = read_declared(file)
    accepted = ", history accepted" if accept_history else ""
    digest = sha256_of_bytes(text.encode())
    detail = f"{reason} ({counted(len(declared.positions), 'position')}, sha256 {digest}{accepted})"
    at = now()
    persons = f"{by}, {second}" if second.strip() else by
    declaration = Declaration(persons, reason, _session_of_undated(home, options), at)
    known = read_known_symbols(home, settings_of(home, options.profile).settings)
    refuse_before_market(declared, known, text=text, path=str(file))
    with portfolio_locked(home, "positions import"):
        begun = is_begun(home)
        if new_ledger:
            _refuse_intact(home, begun=begun)
        held = None if new_ledger else _held(home, options, begun=begun)
        refuse_unknown(declared, held, known, text=text, path=str(file))
        change = None if held is None else _change(home, options, held, declared, declaration.session, known)
        if change is not None and not change.is_empty and not replace:
            return _unconfirmed(home, file, change)
        if begun:
            require_second(home, options, by=by, second=second, doing="A correction of the ledger")
        unchanged = None
        if begun and held is not None and change is not None:
            unchanged = _unchanged(held, declared, change, known)
            _refuse_earlier_than_held(held, declared, unchanged)
        kept = None if change is None or change.is_empty else _keep(home, change, at)
        record(home, event="positions_imported", by=persons, detail=detail, at=at)  # logged first
        if unchanged is not None:
            note = _correct(home, options, declared, declaration, unchanged, accept_history=accept_history)
        else:
            declare_portfolio(home, text, accept_history=accept_history)
            if new_ledger:
                set_aside(home, at=at)
            flows = read_equity_history(home.performance_file).net_flows_usd[-1:]
            start_ledger(home, initial_cash_usd=0.0, declared=declaration, net_flows_usd=sum(flows))
            note = "The ledger begins with these positions."
    return _booked(home, declared, note, known, change, kept)


def _booked(
    home: Home,
    declared: Positions,
    note: str,
    known: KnownSymbols | None,
    change: DeclaredChange | None,
    kept: Path | None,
) -> Result:
    """Return what was booked, the symbols without a price, and how to undo it; `kept`: the previous positions."""
    unknown = [] if known is None else [one.symbol for one in declared.positions if lacks_price(one, known)]
    result = _result(home, declared)
    notes = [result.text, note]
    if known is None and declared.positions:
        notes.append(
            "The lake has no data yet, so no symbol was checked: `daily` stops if it has no price for one."
        )
    if unknown:
        notes.append(
            f"The lake has no price for {', '.join(unknown)}: "
            "`daily` stops until it has one or the symbol is corrected."
        )
    if change is not None and kept is not None:
        command = f"afterclose positions import --replace --by NAME --reason TEXT {shlex.quote(str(kept))}"
        undo = f"To undo: `{command}`." if change.cash_before_usd >= 0 else OVERDRAWN_BEFORE
        notes.append(f"The positions held until now are in {kept}. {undo}")
    document = {
        "booked": True,
        "without_price": unknown,
        "positions_before": None if kept is None else str(kept),
    }
    return Result({**result.document, **document}, "\n".join(notes))


def _held(home: Home, options: Options, *, begun: bool) -> Positions | None:
    """Return the positions by the ledger; without one, those of a home with a published day, if it holds any.

    None: nothing is replaced but the initial cash.
    """
    if begun:
        with opened(home) as connection:
            booked = entries(connection)
        balance, dates = balance_of(booked), position_dates(booked)
        lines = (Position(symbol, float(n), dates.get(symbol)) for symbol, n in balance.shares.items())
        return Positions(tuple(lines), balance.cash_cents / 100)
    if not published_sessions(home):
        return None
    initial = settings_of(home, options.profile).settings.portfolio.initial_cash_usd
    try:
        held = positions_of(home, initial_cash_usd=initial)
    except SafetyError:  # the file is lost, which is why a person declares positions
        return None
    return held if held.positions else None


def _change(
    home: Home,
    options: Options,
    held: Positions,
    declared: Positions,
    session: date,
    known: KnownSymbols | None,
) -> DeclaredChange:
    """Return what the declaration would change, both sides adjusted for splits up to the session."""
    if known is not None:
        held = Positions(known.carried(held.positions, session), held.cash_usd)
        declared = Positions(known.carried(declared.positions, session), declared.cash_usd)
    before, after = shares_by_symbol(held), shares_by_symbol(declared)
    closes: dict[str, float] = {}
    if known is not None:
        market = stored_market(home, settings_of(home, options.profile).settings)
        quotes = last_closes(market, before.keys() | after.keys())
        closes = {symbol: float(quote.price) for symbol, quote in quotes.items()}
    return DeclaredChange(before, after, held.cash_usd, declared.cash_usd, closes)


def _unconfirmed(home: Home, file: Path, change: DeclaredChange) -> Result:
    """Return the change as a result that books nothing."""
    undo = "Importing that file undoes the change." if change.cash_before_usd >= 0 else OVERDRAWN_BEFORE
    advice = (
        f"Nothing was booked: this home already has a portfolio, and {file} would replace all of it. If the change is "
        f"right, run the command again with --replace. It first stores the current positions in a file. {undo}"
    )
    lines = [*change.lines, advice]
    document = {"home": str(home.root), "booked": False, "change": change.document}
    return Result(document, "\n".join(lines), SafetyError.exit_code)


def _keep(home: Home, change: DeclaredChange, at: datetime) -> Path:
    """Store the positions held until now as a file that can be imported; return its path."""
    path = home.ledger_file.with_name(f"positions-{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}.csv")
    rows = [f"{symbol},{shares!r}" for symbol, shares in sorted(change.shares_before.items())]
    cash = Decimal(cents_of(change.cash_before_usd)).scaleb(-2)
    write_text(path, "\n".join(["symbol,shares", *rows, f"{CASH},{cash}"]) + "\n")
    return path


def _unchanged(
    held: Positions, declared: Positions, change: DeclaredChange, known: KnownSymbols | None
) -> set[str]:
    """Return the symbols, as held and as declared, of the companies that the change leaves as they are."""
    every = (*held.positions, *declared.positions)
    current = [line.symbol if known is None else known.current(line) for line in every]
    changed = {line.symbol for line, today in zip(every, current, strict=True) if today in change.symbols}
    return {line.symbol for line in every} - changed


def _refuse_earlier_than_held(held: Positions, declared: Positions, unchanged: set[str]) -> None:
    """Raise SafetyError, before anything is logged or stored, for shares dated before splits that are booked."""
    through = {line.symbol: line.session or date.min for line in held.positions}
    for line in declared.positions:
        if line.symbol not in unchanged:
            refuse_earlier(line, through.get(line.symbol, date.min))


def _correct(
    home: Home,
    options: Options,
    declared: Positions,
    declaration: Declaration,
    unchanged: set[str],
    *,
    accept_history: bool,
) -> str:
    """Book what differs between the ledger and the declared positions; return a note for the person."""
    declare_statement(
        home,
        settings_of(home, options.profile).settings,
        {line.symbol: shares_of(line) for line in declared.positions},
        cents_of(declared.cash_usd),
        session=declaration.session,
        signed=Signed(declaration.by, declaration.reason, declaration.at),
    )
    corrections = declare_correction(home, declared, declaration, unchanged=unchanged)
    if accept_history:
        accept_short_history(home)
    return f"Booked {counted(corrections, 'correction')} in the ledger.{_paper_note(home, options)}"


def _paper_note(home: Home, options: Options) -> str:
    """Return that the paper account keeps what it has: a correction is one of the books alone."""
    if (
        settings_of(home, options.profile).settings.execution.broker != "paper"
        or not home.paper_account.exists()
    ):
        return ""
    return (
        " The paper account is unchanged: the next reconciliation blocks the names that differ. "
        "`afterclose reconcile` lists them."
    )


def _session_of_undated(home: Home, options: Options) -> date:
    """Return the session at whose close undated positions are held.

    That is the last closed one; with data that has no later sessions (files, simulated), the last one of the lake.
    """
    from tasks.data.lake.head import read_head
    from tasks.data.lake.storage.location import lake_of

    last = last_closed_session(now()).day
    try:
        settings = settings_of(home, options.profile).settings
        if settings.data.provider not in STATIC_PROVIDERS:
            return last
        head = read_head(lake_of(home, settings))
    except AftercloseError:  # `daily` reports it
        return last
    return min(last, head.last_session) if head is not None and head.last_session else last


def _refuse_intact(home: Home, *, begun: bool) -> None:
    """Raise ConfigError unless the ledger is lost: an intact one is corrected, and retains its history."""
    try:
        if begun:
            with opened(home) as connection:
                entries(connection)
    except AftercloseError:
        return
    state = "is intact" if begun else "has not begun"
    raise ConfigError(
        f"The ledger of {home.root} {state}.",
        remedy="Import without --new-ledger: differences are booked as corrections. Nothing was changed.",
        home=str(home.root),
    )


def _result(home: Home, held: Positions) -> Result:
    document = {
        "home": str(home.root),
        "cash_usd": held.cash_usd,
        "positions": [
            {
                "symbol": line.symbol,
                "shares": line.shares,
                "session": str(line.session) if line.session else None,
            }
            for line in held.positions
        ],
    }
    lines = [f"{line.symbol:<12} {line.shares:>14,g}" for line in held.positions]
    return Result(document, "\n".join([*lines, f"{CASH:<12} {dollars(held.cash_usd):>14}"]))
