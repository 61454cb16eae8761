"""Read a file in which a person declares positions, and refuse what cannot be booked. Errors name the line."""

from decimal import Decimal
from pathlib import Path

from tasks.core.clock import now
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.reading import opened_file
from tasks.core.sessions import FIRST_DAY, last_closed_session, session_on
from tasks.core.text import dollars
from tasks.portfolio.holdings.bookkeeping import cents_of
from tasks.portfolio.holdings.known_symbols import KnownSymbols
from tasks.portfolio.holdings.positions import Position, Positions, lines_of, parse_positions
from tasks.portfolio.schema import CASH

MAX_BYTES = 1_000_000  # more than a line for every listed symbol
MOST_NAMED = 10  # unknown symbols in one message


def read_declared(file: Path) -> tuple[str, Positions]:
    """Return the file's text and the positions in it. Raises SafetyError for what cannot be booked, with its line."""
    text = _text(file)
    try:
        declared = parse_positions(text, path=str(file))
    except SafetyError as error:  # the parser's remedy is this very command
        raise SafetyError(
            error.what,
            remedy="Correct the file and import it again (format: docs/first-run.md). Nothing was changed.",
            path=str(file),
            line=error.fields["line"],
        ) from None
    _refuse_unusable_cash(declared, text=text, path=str(file))
    _refuse_impossible_sessions(declared, text=text, path=str(file))
    return text, declared


def _refuse_unusable_cash(declared: Positions, *, text: str, path: str) -> None:
    """Raise SafetyError for cash that is negative, has a fraction of a cent, or is dated."""
    cash = declared.cash_usd
    if cash < 0:
        why = f"the cash is negative, {dollars(cash)}: an overdrawn account cannot be declared"
    elif Decimal(repr(cash)) != Decimal(cents_of(cash)) / 100:
        why = f"the cash has a fraction of a cent: {Decimal(repr(cash)):f}"
    elif declared.cash_session is not None:
        why = (
            f"the {CASH} row has the session {declared.cash_session}, but cash is always as of the last close"
        )
    else:
        return
    number = lines_of(text)[CASH]
    raise SafetyError(
        f"{path} cannot be used: line {number}, {why}.",
        remedy="Write the cash as of the last close, at least 0, with at most two decimals and without a session. "
        "Nothing was changed.",
        path=path,
        line=number,
        symbol=CASH,
    )


def refuse_before_market(declared: Positions, known: KnownSymbols | None, *, text: str, path: str) -> None:
    """Raise SafetyError for shares dated before the first session of the lake: their splits are unknown."""
    first = None if known is None else known.first_session
    for line in declared.positions:
        if first is None or line.session is None or line.session >= first:
            continue
        raise _dated_wrongly(
            line,
            f"before the first session of the market data, {first}: splits in between are unknown",
            text,
            path,
        )


def refuse_unknown(
    declared: Positions, held: Positions | None, known: KnownSymbols | None, *, text: str, path: str
) -> None:
    """Raise SafetyError for symbols that the lake has no prices of, unless they are held already."""
    if known is None:
        return
    before = set() if held is None else {line.symbol for line in held.positions}
    unknown = [one for one in declared.positions if lacks_price(one, known) and one.symbol not in before]
    if not unknown:
        return
    numbers = lines_of(text)
    named = "; ".join(
        f"line {numbers[one.symbol]}, {one.symbol} is not a symbol of the market data{known.closest(one.symbol)}"
        for one in unknown[:MOST_NAMED]
    )
    more = f"; and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    raise SafetyError(
        f"{path} cannot be used: {named}{more}.",
        remedy="Correct the symbol, or fetch its prices first (docs/data.md), then import again. Nothing was changed.",
        path=path,
        line=numbers[unknown[0].symbol],
        symbols=[one.symbol for one in unknown],
    )


def lacks_price(line: Position, known: KnownSymbols) -> bool:
    """Return whether shares are held of a symbol that the lake has no prices of."""
    return line.shares > 0 and not known.has(line)


def _text(file: Path) -> str:
    """Return the text of a file of at most MAX_BYTES in UTF-8."""
    try:
        with opened_file(file.expanduser()) as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({type(error).__name__}).",
            remedy="Specify a CSV file with the columns symbol and shares.",
            path=str(file),
        ) from None
    if len(content) > MAX_BYTES:
        raise SafetyError(
            f"{file} cannot be used: it has more than {MAX_BYTES:,} bytes, too large for a positions file.",
            remedy="Specify a CSV file with one line per symbol (format: docs/first-run.md). Nothing was changed.",
            path=str(file),
        )
    try:
        return content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SafetyError(
            f"{file} cannot be used: line {line}, it is not text in UTF-8.",
            remedy='Save it as "CSV UTF-8" and import it again (format: docs/first-run.md). Nothing was changed.',
            path=str(file),
            line=line,
        ) from None


def _refuse_impossible_sessions(declared: Positions, *, text: str, path: str) -> None:
    """Raise SafetyError if shares are dated on a day without a close, or after the last closed session."""
    last = last_closed_session(now()).day
    for line in declared.positions:
        if line.session is None or (FIRST_DAY <= line.session <= last and session_on(line.session).is_open):
            continue
        why = f"after the last closed session, {last}" if line.session > last else "not a session"
        raise _dated_wrongly(line, why, text, path)


def _dated_wrongly(line: Position, why: str, text: str, path: str) -> SafetyError:
    number = lines_of(text)[line.symbol]
    return SafetyError(
        f"{path} cannot be used: line {number}, {line.symbol} is held as of {line.session}, which is {why}.",
        remedy="Write the session at whose close they were held, or leave the cell empty. Nothing was changed.",
        path=path,
        line=number,
        symbol=line.symbol,
    )
