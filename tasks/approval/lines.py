"""Read the lines of trades.csv as they are, and add the bands in which they stay approved. Exact decimal arithmetic."""

import csv
import io
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pydantic import ValidationError

from tasks.approval.refusal import refusal
from tasks.approval.schema import Line
from tasks.core.errors import SafetyError
from tasks.core.text import ascii_label
from tasks.data.schema.symbols import is_safe_symbol
from tasks.trades.schema import TRADE_COLUMNS

PRICE_STEP = Decimal("0.0001")  # the decimals of a price in trades.csv
SHARE_STEP = Decimal(1)


def approved_lines(content: bytes, *, price_band_frac: float, size_band_frac: float) -> tuple[Line, ...]:
    """Return every line of trades.csv in its order; none for a header alone.

    A band is rounded to the inside: towards the approved price and size. Raises SafetyError for a file that no day can
    have published: other columns, a symbol twice, a size or price that is not positive.
    """
    price_band, size_band = Decimal(str(price_band_frac)), Decimal(str(size_band_frac))
    lines = tuple(_line(row, number, price_band, size_band) for number, row in numbered_rows(content))
    symbols = [line.symbol for line in lines]
    if len(set(symbols)) < len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise _unusable(f"{twice} is in it twice")
    return lines


def numbered_rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of trades.csv as they are, each with its line number. Raises SafetyError for another file."""
    try:
        reader = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != TRADE_COLUMNS:
            raise _unusable("its columns are not those of trades.csv")
        for row in reader:
            if len(row) != len(TRADE_COLUMNS):
                raise _unusable(f"line {reader.line_num} is not complete")
            yield reader.line_num, dict(zip(TRADE_COLUMNS, row, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(f"it is not CSV ({type(error).__name__})") from None


def _line(row: dict[str, str], number: int, price_band: Decimal, size_band: Decimal) -> Line:
    if not is_safe_symbol(row["symbol"]):
        raise _unusable(f"line {number}: '{ascii_label(row['symbol'])}' is not a symbol")
    try:
        stated = Line.model_validate(
            {name: row[name] for name in ("symbol", "side", "shares", "price")}
            | {"lowest_price": row["price"], "highest_price": row["price"], "least_shares": row["shares"]}
        )
    except ValidationError:
        raise _unusable(f"line {number} ({row['symbol']}) has no valid side, shares or price") from None
    shares, price = Decimal(stated.shares), Decimal(stated.price)
    if shares <= 0 or price <= 0:
        raise _unusable(f"line {number} ({row['symbol']}) has no positive shares and price")
    low = (price * (1 - price_band)).quantize(PRICE_STEP, ROUND_CEILING)
    high = (price * (1 + price_band)).quantize(PRICE_STEP, ROUND_FLOOR)
    least = (shares * (1 - size_band)).quantize(SHARE_STEP, ROUND_CEILING)
    return stated.model_copy(
        update={
            # a price with more decimals than a step has may round past itself
            "lowest_price": str(min(low, price)),
            "highest_price": str(max(high, price)),
            "least_shares": str(min(least, shares)),
        }
    )


def _unusable(why: str) -> SafetyError:
    return refusal(
        "trades",
        f"trades.csv cannot be approved: {why}.",
        remedy="Run the day again, or restore it from a backup.",
    )
