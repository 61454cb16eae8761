"""Show the positions held, or declare them in the name of a person.

The first declaration begins the home's ledger; a later one is booked in it as corrections.
"""

from datetime import date
from pathlib import Path

from flows.announcing import posts_news
from flows.operations.decisions.persons import require_second
from flows.operations.trading.ledger import portfolio_locked
from flows.terminal import Options, Result
from tasks.core.accountability import require_name_and_reason
from tasks.core.clock import now
from tasks.core.errors import AftercloseError, ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import last_closed_session, session_on
from tasks.core.text import counted, dollars
from tasks.execution.brokers.manual.store import Signed
from tasks.execution.brokers.registry import declare_statement
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import opened
from tasks.ledger.opening import set_aside
from tasks.ledger.store import entries
from tasks.portfolio.holdings.bookkeeping import (
    Declaration,
    cents_of,
    declare_correction,
    shares_of,
    start_ledger,
)
from tasks.portfolio.holdings.positions import Positions, parse_positions
from tasks.portfolio.holdings.record import accept_short_history, declare_portfolio, positions_of
from tasks.portfolio.schema import CASH
from tasks.safety.audit import record
from tasks.safety.equity_history import read_equity_history

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
    second: str = "",
) -> Result:
    """Check the file, log who declares it, then begin the ledger with it or book what differs as corrections.

    A correction requires a `second` person where an approval requires two.
    """
    home = find_home(options.home)
    require_name_and_reason("Declaring positions", by=by, reason=reason)
    text, declared = _read_declared(file)
    accepted = ", history accepted" if accept_history else ""
    digest = sha256_of_bytes(text.encode())
    detail = f"{reason} ({counted(len(declared.positions), 'position')}, sha256 {digest}{accepted})"
    at = now()
    persons = f"{by}, {second}" if second.strip() else by
    declaration = Declaration(persons, reason, _session_of_undated(home, options), at)
    with portfolio_locked(home, "positions import"):
        begun = is_begun(home)
        if begun:
            require_second(home, options, by=by, second=second, doing="A correction of the ledger")
        if new_ledger:
            _refuse_intact(home, begun=begun)
        record(home, event="positions_imported", by=persons, detail=detail, at=at)  # logged first
        if begun and not new_ledger:
            note = _correct(home, options, declared, declaration, accept_history=accept_history)
        else:
            declare_portfolio(home, text, accept_history=accept_history)
            if new_ledger:
                set_aside(home, at=at)
            flows = read_equity_history(home.performance_file).net_flows_usd[-1:]
            start_ledger(home, initial_cash_usd=0.0, declared=declaration, net_flows_usd=sum(flows))
            note = "The ledger begins with these positions."
    unknown = _without_price(home, options, declared)
    result = _result(home, declared)
    notes = [result.text, note]
    if unknown:
        notes.append(
            f"The lake has no price for {', '.join(unknown)}: "
            "`daily` stops until it has one or the symbol is corrected."
        )
    return Result({**result.document, "without_price": unknown}, "\n".join(notes))


def _read_declared(file: Path) -> tuple[str, Positions]:
    """Return the file's text and the positions in it."""
    try:
        text = file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read ({type(error).__name__}).",
            remedy="Specify a CSV file with the columns symbol and shares.",
            path=str(file),
        ) from None
    try:
        declared = parse_positions(text, path=str(file))
    except SafetyError as error:  # the parser's remedy is this very command
        raise SafetyError(
            error.what,
            remedy="Correct the file and import it again (format: docs/first-run.md). Nothing was changed.",
            path=str(file),
            line=error.fields["line"],
        ) from None
    _refuse_impossible_sessions(declared, str(file))
    return text, declared


def _correct(
    home: Home, options: Options, declared: Positions, declaration: Declaration, *, accept_history: bool
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
    corrections = declare_correction(home, declared, declaration)
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


def _without_price(home: Home, options: Options, declared: Positions) -> list[str]:
    """Return the symbols held that the lake has no price for; none if the lake is empty or cannot be read now."""
    from tasks.data.lake.head import read_head
    from tasks.data.lake.storage.location import lake_of
    from tasks.data.lake.store import read_tables
    from tasks.data.panel.companies import company_index
    from tasks.portfolio.holdings.events import symbol_today

    try:
        lake = lake_of(home, settings_of(home, options.profile).settings)
        head = read_head(lake)
        if head is None or head.last_session is None:
            return []
        tables = read_tables(lake, head.versions, ("lives", "renames"), session=None)
    except AftercloseError:  # the declaration is already stored, and `daily` reports this error
        return []
    companies = company_index(tables["lives"], tables["renames"])
    priced = set(companies.names.tolist())
    held = [line for line in declared.positions if line.shares > 0]
    return [
        line.symbol
        for line in held
        if symbol_today(line.symbol, line.session or head.last_session, companies) not in priced
    ]


def _refuse_impossible_sessions(declared: Positions, path: str) -> None:
    """Raise SafetyError if shares are dated on a day without a close, or after the last closed session."""
    last = last_closed_session(now()).day
    for line in declared.positions:
        if line.session is None or (line.session <= last and session_on(line.session).is_open):
            continue
        why = f"after the last closed session, {last}" if line.session > last else "not a session"
        raise SafetyError(
            f"{path} cannot be used: {line.symbol} is held as of {line.session}, which is {why}.",
            remedy="Write the session at whose close they were held, or leave the cell empty. Nothing was changed.",
            path=path,
            symbol=line.symbol,
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
