"""Write a query result as a table, CSV, JSON or Parquet, in batches: memory does not grow with the number of rows."""

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.atomic import replace_file
from tasks.core.errors import ConfigError
from tasks.core.text import counted
from tasks.monitoring.store import QueryResult
from tasks.reporting.day.cells import csv_cell

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_SHOWN, CELLS_SHOWN = 200, 20_000
WIDEST_CELL = 60
LARGEST_PIECE = 16 * 2**20  # bytes of values that become text at once
ROWS_PER_GROUP, BYTES_PER_GROUP = 122_880, 64 * 2**20  # of a Parquet file
PLAN = ["explain_key", "explain_value"]  # the result of EXPLAIN
Rows = list[tuple[object, ...]]


def csv_pieces(result: QueryResult) -> Iterator[str]:
    """Yield the result as CSV: numbers as they are, text quoted where a spreadsheet would evaluate it."""
    yield _csv_lines([result.schema.names])
    for rows in _pieces_of_rows(result.batches):
        yield _csv_lines(rows)


def json_pieces(result: QueryResult) -> Iterator[str]:
    """Yield the result as one JSON document."""
    names = result.schema.names
    columns = [{"name": field.name, "type": str(field.type)} for field in result.schema]
    yield f'{{"columns": {json.dumps(columns)},\n"rows": ['
    count = 0
    for rows in _pieces_of_rows(result.batches):
        documents = json.dumps([dict(zip(names, map(_finite, row), strict=True)) for row in rows])[1:-1]
        yield f",\n{documents}" if count else f"\n{documents}"
        count += len(rows)
    yield f'],\n"count": {count}}}\n'


def end_of_failed_json(message: str, exit_code: int) -> str:
    """Return what completes a document of `json_pieces` that an error ended among the rows."""
    return f'],\n"error": {json.dumps(message)}, "exit_code": {exit_code}}}\n'


def table_text(result: QueryResult) -> str:
    """Draw the first rows as a table of the terminal's width; a plan, which is drawn already, as it is."""
    names = result.schema.names
    rows, has_more = _first_rows(result.batches, max(1, min(ROWS_SHOWN, CELLS_SHOWN // max(1, len(names)))))
    if names == PLAN:
        return "\n".join(str(row[1]) for row in rows).rstrip("\n")
    if has_more:
        end = (
            f"These are the first {counted(len(rows), 'row')}; there are more. "
            "--csv prints and --parquet FILE writes all of them; LIMIT and OFFSET select some."
        )
    else:
        end = f"{counted(len(rows), 'row')}."
    return f"{_drawn(names, rows)}\n{end}"


def write_parquet(result: QueryResult, target: Path) -> int:
    """Write the result to the file, which appears when it is complete. Return the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0
    try:
        with (
            replace_file(target) as file,
            pq.ParquetWriter(file, result.schema, compression="zstd") as writer,
        ):
            for group in _groups(result.batches):
                writer.write_table(pa.Table.from_batches(group, result.schema))
                count += sum(batch.num_rows for batch in group)
    except pa.ArrowException as error:
        raise ConfigError(
            f"The result cannot be stored as Parquet: {str(error).splitlines()[0].rstrip('.')}.",
            remedy="Cast the column to another type, such as column::VARCHAR.",
        ) from None
    return count


def _groups(batches: "Iterable[pa.RecordBatch]") -> "Iterator[list[pa.RecordBatch]]":
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= ROWS_PER_GROUP or size >= BYTES_PER_GROUP:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group


def _first_rows(batches: "Iterable[pa.RecordBatch]", most: int) -> tuple[Rows, bool]:
    """Return at most so many rows, of about LARGEST_PIECE bytes, and whether there are more."""
    found: Rows = []
    size = 0
    for batch in batches:
        for piece in _pieces(batch):
            part = piece.slice(0, most - len(found) if size < LARGEST_PIECE else 0)
            found += _rows(part)
            size += part.nbytes
            if part.num_rows < piece.num_rows:
                return found, True
    return found, False


def _pieces_of_rows(batches: "Iterable[pa.RecordBatch]") -> Iterator[Rows]:
    for batch in batches:
        for piece in _pieces(batch):
            yield _rows(piece)


def _pieces(batch: "pa.RecordBatch") -> "Iterator[pa.RecordBatch]":
    """Yield the batch in pieces of at most LARGEST_PIECE bytes. Raises ConfigError for a row that is larger."""
    if batch.nbytes <= LARGEST_PIECE:
        if batch.num_rows:
            yield batch
        return
    if batch.num_rows == 1:
        raise ConfigError(
            f"The query was stopped: a single row of its result takes {batch.nbytes / 2**20:,.0f} MB.",
            remedy="Select fewer columns, shorten text with left(column, 1000), or use --parquet FILE.",
        )
    half = batch.num_rows // 2
    yield from _pieces(batch.slice(0, half))
    yield from _pieces(batch.slice(half))


def _rows(batch: "pa.RecordBatch") -> Rows:
    """Return the rows; days, instants and other types without a JSON form become text."""
    import pyarrow as pa

    try:
        columns = [_plain_values(column) for column in batch.columns]
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise ConfigError(
            f"The result has a value that cannot be shown: {error}.",
            remedy="Cast the column to text: column::VARCHAR.",
        ) from None
    return list(zip(*columns, strict=True))


def _plain_values(column: "pa.Array") -> list[Any]:
    from pyarrow.types import is_boolean, is_floating, is_integer, is_string

    values: list[Any] = column.to_pylist()
    is_plain = any(test(column.type) for test in (is_boolean, is_floating, is_integer, is_string))
    return values if is_plain else [_plain(value) for value in values]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value).__name__ == "MonthDayNano" and isinstance(value, tuple):
        return _interval_text(*value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _interval_text(months: int, days: int, nanoseconds: int) -> str:
    """Write an interval as DuckDB does: 1 year 2 months 3 days -04:05:06.5."""
    years, months = int(months / 12), months - 12 * int(months / 12)
    units = (("year", years), ("month", months), ("day", days))
    parts = [f"{count} {unit}{'' if abs(count) == 1 else 's'}" for unit, count in units if count]
    if nanoseconds or not parts:
        seconds, fraction = divmod(abs(nanoseconds), 10**9)
        digits = f".{fraction:09}".rstrip("0") if fraction else ""
        sign = "-" if nanoseconds < 0 else ""
        parts.append(f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}")
    return " ".join(parts)


def _finite(value: object) -> object:
    """Replace NaN and infinity, which JSON does not have, by text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return the lines. Numbers are written as Python does, so that reading them gives the same number."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(
        [csv_cell(value) if isinstance(value, str) else value for value in row] for row in rows
    )
    return buffer.getvalue()


def _drawn(names: Sequence[str], rows: Rows) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    for place, name in enumerate(names):
        is_number = any(isinstance(row[place], int | float) for row in rows)
        table.add_column(Text(_cell(name)), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    drawn = io.StringIO()  # not standard output, which rich would flush: its disk may be full
    Console(file=drawn, width=None if sys.stdout.isatty() else 10_000, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in drawn.getvalue().strip("\n").split("\n"))


def _cell(value: object) -> str:
    """Write a value for a person: six significant digits, one line, at most WIDEST_CELL characters."""
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.6g}"
    text = " ".join(str("" if value is None else value)[: 100 * WIDEST_CELL].split())
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"
