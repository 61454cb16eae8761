"""Show the positions held, or declare them in the name of a person."""

from pathlib import Path

from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.errors import AftercloseError, ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import last_closed_session, session_on
from tasks.core.text import counted
from tasks.portfolio.holdings.positions import Positions, parse_positions
from tasks.portfolio.holdings.record import declare_portfolio, positions_of
from tasks.portfolio.schema import CASH
from tasks.safety.audit import record


def show_positions(options: Options) -> Result:
    """Return the shares of each symbol, and the cash."""
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    return _result(home, positions_of(home, initial_cash_usd=settings.portfolio.initial_cash_usd))


def import_positions(options: Options, file: Path, *, by: str, reason: str, accept_history: bool) -> Result:
    """Check the file, log who declares it, then replace live/current_positions.csv."""
    home = find_home(options.home)
    if not by.strip() or not reason.strip():
        raise ConfigError(
            "Declaring positions requires a name and a reason.",
            remedy="Give both --by NAME and --reason TEXT.",
        )
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
    accepted = ", history accepted" if accept_history else ""
    digest = sha256_of_bytes(text.encode())
    detail = f"{reason} ({counted(len(declared.positions), 'position')}, sha256 {digest}{accepted})"
    with exclusive(home.lock_file, doing="positions import"):
        record(home, event="positions_imported", by=by, detail=detail, at=now())  # logged first
        declare_portfolio(home, text, accept_history=accept_history)
    unknown = _without_price(home, options, declared)
    result = _result(home, declared)
    note = f"The lake has no price for {', '.join(unknown)}: `daily` stops until it has one or the symbol is corrected."
    return Result(
        {**result.document, "without_price": unknown}, f"{result.text}\n{note}" if unknown else result.text
    )


def _without_price(home: Home, options: Options, declared: Positions) -> list[str]:
    """Return the symbols held that the lake has no price for; none if the lake is empty or cannot be read now."""
    from tasks.data.lake.head import read_head
    from tasks.data.lake.location import lake_of
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
    return Result(document, "\n".join([*lines, f"{CASH:<12} {f'${held.cash_usd:,.2f}':>14}"]))
