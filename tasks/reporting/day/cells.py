"""Make external text harmless for any program that opens a file: a spreadsheet, a terminal, a browser.

Control and bidirectional characters become a visible mark; a cell that a spreadsheet would evaluate is quoted. Our own
numbers stay numbers. Never drops a row. Does not escape HTML (the template does).
"""

import csv
import io
from collections.abc import Iterable, Sequence

from tasks.core.text import no_formula, replace_unprintable


def csv_cell(text: str) -> str:
    """Return the text quoted where a spreadsheet would treat it as a formula."""
    return replace_unprintable(no_formula(text))


def fixed(value: float, places: int) -> str:
    """Write a number with a fixed count of decimals; empty when it is not a number, never '-0'."""
    if value != value:  # noqa: PLR0124 - the one value that differs from itself is NaN
        return ""
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Write lines of formatted cells as UTF-8 with LF line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()
