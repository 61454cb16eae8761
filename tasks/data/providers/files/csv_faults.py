"""Diagnose a CSV file that cannot be read: another file type, or the first bad line, with a remedy.

Runs only after a failure, so it may scan a whole file line by line. Quotes at most a few characters of the file,
escaped: its content is not trusted.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.reading import opened_file, opened_text
from tasks.core.text import counted

HEAD_BYTES = 65_536
LONGEST_LINE = 1_000_000  # bytes; the reader takes the file in blocks of that size
LONGEST_CELL = 1_000  # characters of a symbol, a name or a sector
LONGEST_QUOTED = 40

NOTHING_STORED = "nothing was stored."
KINDS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
QUOTED = re.compile(r'"[^"]*"?')


@dataclass(frozen=True)
class CsvFault:
    """What is wrong, what to do, and the line if there is one."""

    what: str
    remedy: str
    line: int | None = None


def readable_head(path: Path) -> bytes:
    """Return the first bytes; raise DataError where the file is empty or not comma-separated UTF-8 text."""
    with opened_file(path) as file:
        head = file.read(HEAD_BYTES)
    fault = _kind_fault(head)
    if fault is not None:
        raise unreadable(path, fault)
    return head


def refuse_open_quotes(path: Path) -> None:
    """Raise DataError for the first line on which a quotation mark is not closed.

    Arrow accepts such a file and drops rows: those that the cell swallows, or the rest of a block.
    """
    with opened_file(path) as file:
        if not any(b'"' in block for block in iter(lambda: file.read(LONGEST_LINE), b"")):
            return
    with opened_text(path, encoding="latin-1") as lines:  # any bytes; every kind of line end
        for number, line in enumerate(lines, 1):
            if line.count('"') % 2:
                raise unreadable(path, _open_quote(number))


def unreadable(path: Path, fault: CsvFault | None = None) -> DataError:
    """Return the error for a file that cannot be read; without a `fault`, for the first bad line."""
    fault = fault or _first_bad_line(path)
    return DataError(
        f"{path} cannot be read: {fault.what}.",
        remedy=f"{fault.remedy}; {NOTHING_STORED}",
        file=str(path),
        line=fault.line,
    )


def line_of_row(path: Path, row: int) -> int:
    """Return the line on which the row (0: the first below the header) begins; blank lines are not rows."""
    with opened_text(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        begin, seen = 1, -1  # the header comes before row 0
        try:
            for cells in reader:
                if cells and seen == row:
                    break
                seen += bool(cells)
                begin = reader.line_num + 1
        except csv.Error:  # a cell too long for the csv module: it is on this line
            pass
        return begin


def quoted(text: object) -> str:
    """Quote a cell in an error: ASCII escapes, at most 40 characters."""
    escaped = ascii(str(text)[: LONGEST_QUOTED + 1])
    return escaped if len(escaped) <= LONGEST_QUOTED + 2 else f"{escaped[:LONGEST_QUOTED]}…'"


def _kind_fault(head: bytes) -> CsvFault | None:
    if not head.strip():
        return CsvFault("the file is empty", "Write the header and the rows into it")
    for magic, kind in KINDS.items():
        if head.startswith(magic):
            return CsvFault(f"it is {kind}, not CSV", "Export it as CSV, UTF-8, with commas")
    if head.startswith(UTF_16):
        return CsvFault("it is text in UTF-16, not UTF-8", "Save it as CSV UTF-8 (in Excel: CSV UTF-8)")
    if b"\0" in head:
        line = head[: head.index(b"\0")].count(b"\n") + 1
        what = f"line {line} contains a NUL byte, so it is not UTF-8 text"
        return CsvFault(what, "Save it as CSV UTF-8", line)
    header = head.decode("utf-8-sig", errors="replace").lstrip("\r\n").splitlines()[0]
    bare = QUOTED.sub("", header)
    for separator, name in OTHER_SEPARATORS.items():
        if "," not in bare and separator in bare:
            remedy = "Separate columns with commas, and write numbers with a decimal point"
            return CsvFault(f"its columns are separated by {name}, not by commas", remedy, 1)
    return None


def _first_bad_line(path: Path) -> CsvFault:
    for check in (_lines, _rows):
        for fault in check(path):
            return fault
    return CsvFault("it is not a valid CSV file", "Export it again as CSV UTF-8")


def _lines(path: Path) -> Iterator[CsvFault]:
    """Yield lines that are too long or not UTF-8."""
    with opened_file(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                column = QUOTED.sub("", line.decode(errors="replace")).count(",") + 1
                what = f"line {number} is longer than {LONGEST_LINE:,} bytes, in column {column}"
                yield CsvFault(what, "Close the open quotation mark, or shorten the cell", number)
            try:
                line.decode()
            except UnicodeDecodeError:
                yield CsvFault(f"line {number} is not text in UTF-8", "Save it as CSV UTF-8", number)
            if b"\0" in line:
                yield CsvFault(f"line {number} contains a NUL byte", "Rewrite that line", number)


def _rows(path: Path) -> Iterator[CsvFault]:
    """Yield rows whose number of cells differs from the header, and unmatched quotation marks."""
    with opened_text(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, strict=True)
        width, begin = 0, 1
        try:
            for cells in reader:
                width = width or len(cells)
                if cells and len(cells) != width:
                    what = f"line {begin} has {counted(len(cells), 'cell')}, but the header has {width}"
                    yield CsvFault(
                        what, "Write one cell for each column, and quote text that contains a comma", begin
                    )
                begin = reader.line_num + 1
        except csv.Error:
            yield _open_quote(begin)


def _open_quote(line: int) -> CsvFault:
    what = f"the quotation marks do not match from line {line} on"
    return CsvFault(what, "Close each quoted cell on its own line", line)
