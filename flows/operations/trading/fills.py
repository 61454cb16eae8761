"""Show the order tickets of the manual broker, and enter the fills."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from config.settings import Settings
from flows.announcing import posts_news
from flows.operations.exports import export_path
from flows.terminal import Options, Result
from tasks.core.atomic import write_text
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, parsed_date, settings_of
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_text
from tasks.core.text import counted, one_line
from tasks.execution.brokers.manual import store
from tasks.execution.brokers.manual.entries import Entered, Ticket
from tasks.execution.brokers.manual.export import read_export
from tasks.execution.brokers.manual.filling import Outcome, enter_export, enter_fill
from tasks.execution.brokers.manual.printed import ticket_page, ticket_text
from tasks.execution.brokers.manual.store import Signed
from tasks.ledger.database import opened
from tasks.safety.audit import record

NOTHING_OPEN = "No ticket is open."


def show_tickets(options: Options, day: str | None, *, page: Path | None = None) -> Result:
    """Return the tickets of a decision session, by default all open ones; `page` is written as HTML to print."""
    home, settings = _manual_home(options)
    session = None if day is None else parsed_date(day)
    with opened(home) as connection:
        store.prepare(connection)
        found = store.tickets(connection, session=session, is_open=session is None)
    if not found:
        return Result({"tickets": []}, NOTHING_OPEN if session is None else f"{session} has no order ticket.")
    latest = max(ticket.session for ticket in found)
    account = settings.approval.account
    if page is not None:
        write_text(export_path(page, home, settings), ticket_page(found, session=latest, account=account))
    written = "" if page is None else f"\nPrintable page: {page}"
    text = ticket_text(found, session=latest, account=account)
    return Result({"tickets": [_document(ticket) for ticket in found]}, text + written)


@posts_news
def add_fill(  # noqa: PLR0913 - one parameter per option
    options: Options,
    day: str,
    name: str,
    shares: int,
    price: str,
    *,
    fee: str,
    is_final: bool,
    by: str,
    reason: str,
) -> Result:
    """Enter one fill of an open ticket, named by its symbol or id. Logged once it is stored."""
    home, settings = _manual_home(options)
    session, at = parsed_date(day), now()
    entered = Entered(shares, _amount(price, "price"), _cents(fee), is_final)
    with opened(home) as connection:
        outcome = enter_fill(
            connection,
            session,
            name.strip(),
            entered,
            band_frac=settings.approval.price_band_frac,
            signed=_signed(by, reason, at),
        )
    what = f"{shares} {one_line(name)} at {entered.price:f} for the ticket of {session}"
    record(home, event="fill_entered", by=by, detail=_detail(what, outcome, reason), at=at)
    return _result(outcome, f"Entered {what}.")


@posts_news
def import_fills(
    options: Options, file: Path, day: str | None, *, is_complete: bool, by: str, reason: str
) -> Result:
    """Enter the fills of a broker's CSV export for the open tickets; all lines, or nothing."""
    home, settings = _manual_home(options)
    at = now()
    text = _text(file)
    rows = read_export(text, settings.execution.export, path=str(file))
    with opened(home) as connection:
        store.prepare(connection)
        session = parsed_date(day) if day else _latest(store.tickets(connection, is_open=True))
        outcome = enter_export(
            connection,
            session,
            rows,
            is_complete=is_complete,
            band_frac=settings.approval.price_band_frac,
            signed=_signed(by, reason, at),
        )
    what = f"{counted(outcome.entered, 'fill')} for the tickets of {session}"
    digest = f"sha256 {sha256_of_bytes(text.encode())}"
    detail = _detail(f"{what}, {digest}", outcome, reason)
    record(home, event="fills_imported", by=by, detail=detail, at=at)
    known = f" {counted(outcome.known, 'line')} had been entered before." if outcome.known else ""
    return _result(outcome, f"Entered {what}.{known}")


def _manual_home(options: Options) -> tuple[Home, Settings]:
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    if settings.execution.broker != "manual":
        raise ConfigError(
            f"The broker of this home is {settings.execution.broker}: it reports its fills itself.",
            remedy="Set execution.broker to manual if you place the orders yourself.",
        )
    return home, settings


def _signed(by: str, reason: str, at: datetime) -> Signed:
    if not by.strip():
        raise ConfigError("Entering a fill requires a name.", remedy="Give --by NAME.")
    return Signed(by, reason, at)


def _latest(found: list[Ticket]) -> date:
    if not found:
        raise ConfigError(NOTHING_OPEN, remedy="Give the decision session of the tickets with --date.")
    return max(ticket.session for ticket in found)


def _amount(written: str, what: str) -> Decimal:
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(
            f"The {what} '{written}' is not an amount in USD.", remedy="Write it like 12.34, without signs."
        )
    return amount


def _cents(written: str) -> int:
    cents = _amount(written, "fee") * 100
    if cents != int(cents):
        raise ConfigError(f"The fee {written} is not in whole cents.", remedy="Write it like 1.05.")
    return int(cents)


def _text(file: Path) -> str:
    try:
        return read_text(file.expanduser())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read ({type(error).__name__}).",
            remedy="Specify the CSV file that your broker exported.",
            path=str(file),
        ) from None


def _detail(what: str, outcome: Outcome, reason: str) -> str:
    deviations = f"; deviations: {'; '.join(outcome.deviations)}" if outcome.deviations else ""
    return f"{what}{deviations}{f'; {reason}' if reason.strip() else ''}"


def _result(outcome: Outcome, text: str) -> Result:
    deviations = "".join(f"\nDeviates from the ticket: {one}." for one in outcome.deviations)
    document = {
        "entered": outcome.entered,
        "known": outcome.known,
        "deviations": list(outcome.deviations),
    }
    return Result(document, f"{text}{deviations}")


def _document(ticket: Ticket) -> dict[str, object]:
    return {
        "order_id": ticket.order_id,
        "session": str(ticket.session),
        "symbol": ticket.symbol,
        "side": ticket.side,
        "shares": ticket.shares,
        "limit_price": None if ticket.limit_price is None else f"{ticket.limit_price:f}",
        "filled_shares": ticket.filled_shares,
        "cancel": ticket.is_canceling,
    }
