"""Write a notice as plain text: the plain part of a mail, and the body of the webhook. Pure."""

import textwrap
from collections.abc import Iterator

from tasks.core.text import counted
from tasks.reporting.notify.schema import Notice, Points, Table
from tasks.reporting.notify.wording import plain, shortened

WIDTH = 76
LONGEST_CELL = 60


def as_text(notice: Notice) -> str:
    """Return the notice as lines of text."""
    return "\n".join(_lines(notice)) + "\n"


def table_lines(table: Table) -> Iterator[str]:
    """Yield the table in aligned columns; the last column is not padded."""
    rows = [table.columns, *([shortened(plain(cell), LONGEST_CELL) for cell in row] for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    for row in rows:
        cells = [
            cell.rjust(width) if place in table.numeric else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    if table.left_out:
        yield left_out(table)


def left_out(table: Table) -> str:
    """Return where the rows are that are not shown."""
    return f"and {counted(table.left_out, 'more row')} in {table.rest_is_in}"


def _lines(notice: Notice) -> Iterator[str]:
    if notice.is_simulated:
        yield "SIMULATED MARKET: prices, companies and results are invented."
        yield ""
    for paragraph in notice.lead:
        yield from textwrap.wrap(plain(paragraph), WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""
    for part in notice.points:
        yield from _points(part)
    yield from _facts(notice)
    for command in notice.commands:
        yield f"{plain(command.purpose)}:"
        yield f"  {plain(command.line)}"
        yield ""
    if notice.table is not None:
        yield notice.table.title
        yield from table_lines(notice.table)


def _points(part: Points) -> Iterator[str]:
    """Yield the list; the words of each line are wrapped beside its mark."""
    yield plain(part.title)
    width = max((len(line.mark) for line in part.lines), default=0)
    for line in part.lines:
        yield from textwrap.wrap(
            plain(line.words),
            WIDTH,
            initial_indent=f"  {plain(line.mark).ljust(width)}  ",
            subsequent_indent=" " * (width + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
    yield ""


def _facts(notice: Notice) -> Iterator[str]:
    width = max((len(name) for name, _ in notice.facts), default=0)
    for name, value in notice.facts:
        yield f"{plain(name).ljust(width)}  {plain(value)}"
    if notice.facts:
        yield ""
