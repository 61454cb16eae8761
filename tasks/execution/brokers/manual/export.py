"""Read the fills in a broker's CSV export, by a map of its columns. Errors name the line; nothing is guessed."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from config.sections import ExportColumns
from tasks.core.errors import ConfigError
from tasks.core.ids import sha256_of_record
from tasks.core.text import ascii_label
from tasks.data.schema.symbols import is_safe_symbol
from tasks.execution.brokers.manual.entries import Entered
from tasks.execution.brokers.manual.filling import Row
from tasks.execution.schema import Side

NUMBER = re.compile(r"\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]{1,8})?")
SIDES: Mapping[str, Side] = {
    **dict.fromkeys(("BUY", "B", "BOUGHT", "BOT", "YOU BOUGHT"), "BUY"),
    **dict.fromkeys(("SELL", "S", "SOLD", "SLD", "YOU SOLD"), "SELL"),
}


def read_export(text: str, columns: ExportColumns, *, path: str) -> tuple[Row, ...]:
    """Return the rows of the export, in its order.

    Two equal lines are two fills unless the map names a column of ids. Raises ConfigError for a column that is missing
    or named twice, and for a cell that cannot be read.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        _refuse_columns(header, columns, path)
        reader.fieldnames = header
        return tuple(_rows(reader, columns, path))
    except csv.Error as error:
        raise _unusable(path, reader.line_num, f"it is not CSV ({error})") from error


def _rows(reader: "csv.DictReader[str]", columns: ExportColumns, path: str) -> Iterator[Row]:
    seen: Counter[str] = Counter()
    for cells in reader:
        line = reader.line_num
        if None in cells or None in cells.values():
            raise _unusable(path, line, "its number of cells differs from the header's")
        row = {name: cell.strip() for name, cell in cells.items()}
        if not any(row.values()):
            continue
        symbol = row[columns.symbol].upper()
        if not is_safe_symbol(symbol):
            raise _unusable(path, line, f"'{ascii_label(row[columns.symbol])}' is not a valid symbol")
        side, shares = _side_and_shares(row, columns, path, line)
        price = _number(row[columns.price], path, line, "price")
        fee = (
            _number(row[columns.fee].removeprefix("-") or "0", path, line, "fee")
            if columns.fee
            else Decimal(0)
        )
        if price <= 0 or fee * 100 != int(fee * 100):
            raise _unusable(path, line, "its price is 0, or its fee is not in whole cents")
        named = row[columns.id] if columns.id else ""
        content = sha256_of_record([symbol, side, str(shares), str(price), str(fee), named])[:24]
        if named and seen[named]:
            raise _unusable(path, line, f"the id '{ascii_label(named)}' occurs twice")
        seen[named or content] += 1
        key = sha256_of_record([named])[:24] if named else f"{content}:{seen[content]}"
        yield Row(f"export:{key}", symbol, side, Entered(shares, price, int(fee * 100)))


def _side_and_shares(
    row: Mapping[str, str], columns: ExportColumns, path: str, line: int
) -> tuple[Side, int]:
    written = row[columns.shares]
    negative = written.startswith("-")
    shares = _number(written.removeprefix("-"), path, line, "number of shares")
    if shares != int(shares) or shares == 0:
        raise _unusable(path, line, f"'{ascii_label(written)}' is not a whole number of shares")
    if not columns.side:
        return ("SELL" if negative else "BUY"), int(shares)
    side = SIDES.get(row[columns.side].upper())
    if side is None or (negative and side == "BUY"):
        raise _unusable(path, line, f"'{ascii_label(row[columns.side])}' is not a side (BUY or SELL)")
    return side, int(shares)


def _number(written: str, path: str, line: int, what: str) -> Decimal:
    if not NUMBER.fullmatch(written):
        raise _unusable(path, line, f"the {what} is not a plain number: '{ascii_label(written)}'")
    return Decimal(written.removeprefix("$").replace(",", ""))


def _refuse_columns(header: list[str], columns: ExportColumns, path: str) -> None:
    for name in (columns.symbol, columns.side, columns.shares, columns.price, columns.fee, columns.id):
        if name and header.count(name) != 1:
            found = ", ".join(ascii_label(one) for one in header) or "nothing"
            how = "more than one column" if name in header else "no column"
            raise ConfigError(
                f"{path} has {how} named {name} (found: {found}).",
                remedy="Name the columns of your broker's export in execution.export. Nothing was entered.",
                path=path,
            )


def _unusable(path: str, line: int, why: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be used: line {line}, {why}.",
        remedy="Correct the line or execution.export, and import the file again. Nothing was entered.",
        path=path,
        line=line,
    )
