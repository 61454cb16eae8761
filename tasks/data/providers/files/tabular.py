"""Read a CSV or Parquet file into typed columns; errors name the file, line and remedy.

Column names ignore case and surrounding spaces; `ticker` means `symbol`.
"""

import csv
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tasks.core.errors import DataError
from tasks.core.reading import opened_file
from tasks.core.text import counted
from tasks.data.providers.files.cells import BadCellError, converted, is_numeric
from tasks.data.providers.files.csv_faults import (
    HEAD_BYTES,
    NOTHING_STORED,
    CsvFault,
    line_of_row,
    quoted,
    readable_head,
    refuse_open_quotes,
    unreadable,
)
from tasks.data.schema.columns import Kind

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_MAGIC, MIN_PARQUET_BYTES = b"PAR1", 12
ALIASES = {"ticker": "symbol"}
MAX_NAMED = 12


def load(path: Path, known: Collection[str], *, since: date | None = None) -> "pa.Table":
    """Read the file with columns named as in `known`; of Parquet with a date column only rows from `since` on."""
    import pyarrow as pa

    try:
        table = _load_parquet(path, since) if path.suffix == ".parquet" else _load_csv(path)
    except (pa.ArrowException, UnicodeDecodeError) as error:  # the latter: column names
        if path.suffix == ".csv":
            raise unreadable(path) from error
        raise unreadable(path, CsvFault("the Parquet file is damaged", "Write it again")) from error
    except OSError as error:
        fault = CsvFault(error.strerror or "it is damaged", "Check that it is complete and readable")
        raise unreadable(path, fault) from error
    return table.rename_columns(_names(path, table.column_names, known))


def _load_csv(path: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.csv as pc

    head = readable_head(path)
    lines = [line for line in head.splitlines() if line]
    if len(lines) == 1 and len(head) < HEAD_BYTES:  # only a header: without a line end Arrow finds no columns
        names = next(csv.reader([lines[0].decode("utf-8-sig")]))
        return pa.table([pa.array([], pa.string()) for _ in names], names=names)
    header = pc.open_csv(path).schema.names
    as_text = pc.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
    table = pc.read_csv(path, convert_options=as_text)
    refuse_open_quotes(path)
    return table


def _load_parquet(path: Path, since: date | None) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    _refuse_other_formats(path)
    schema = pq.read_schema(path)
    dates = [field.name for field in schema if field.name.strip().lower() == "date"]
    has_dates = len(dates) == 1 and pa.types.is_date32(schema.field(dates[0]).type)
    return pq.read_table(path, filters=[(dates[0], ">=", since)] if since and has_dates else None)


def _refuse_other_formats(path: Path) -> None:
    size = path.stat().st_size
    if size == 0:
        raise unreadable(path, CsvFault("the file is empty", "Write the rows into it"))
    with opened_file(path) as file:
        begin = file.read(len(PARQUET_MAGIC))
        file.seek(-min(size, len(PARQUET_MAGIC)), 2)
        end = file.read()
    if begin != PARQUET_MAGIC:
        raise unreadable(path, CsvFault("it is not a Parquet file", "Export it as Parquet, or name it .csv"))
    if end != PARQUET_MAGIC or size < MIN_PARQUET_BYTES:
        raise unreadable(path, CsvFault("the Parquet file is truncated", "Write it again"))


def _names(path: Path, written: list[str], known: Collection[str]) -> list[str]:
    """Return the normalized column names; raises DataError where two columns get one name."""
    plain = {name.lower(): name for name in known}
    names = []
    for name in written:
        key = name.strip().lower()
        names.append(plain.get(key, name))
    for alias, name in ALIASES.items():
        if name in known:
            names = [name if one.strip().lower() == alias else one for one in names]
    for name in sorted(set(known) & set(names)):
        if names.count(name) > 1:
            same = [quoted(one) for one, become in zip(written, names, strict=True) if become == name]
            raise DataError(
                f"{path} has {len(same)} columns for {name!r}: {', '.join(same)}.",
                remedy=f"Keep one of them; {NOTHING_STORED}",
                file=str(path),
                column=name,
            )
    return names


def numeric_columns(table: "pa.Table", known: Mapping[str, Kind]) -> list[str]:
    """Return the other numeric columns; in a CSV all cells are text, so the cells decide."""
    return [
        name
        for name in table.column_names
        if name not in known and table.column_names.count(name) == 1 and is_numeric(table[name])
    ]


def convert(path: Path, table: "pa.Table", columns: Mapping[str, Kind], *, blank: str = "") -> pd.DataFrame:
    """Return the columns converted to their kinds; only the column `blank` may lack dates."""
    import pyarrow.compute as pc

    result = {}
    for name, kind in columns.items():
        try:
            values = converted(table[name], kind)
        except BadCellError as bad:
            raise _refused(path, name, bad) from None
        if kind == "day" and name != blank and values.null_count:
            first = _line(path, pc.index(pc.is_null(values), True).as_py())
            raise DataError(
                f"{path}, column {name!r}: {counted(values.null_count, 'row')} without a date{first}.",
                remedy=f"Add the dates or remove the rows; {NOTHING_STORED}",
                file=str(path),
                column=name,
            )
        result[name] = _series(values, kind)
    return pd.DataFrame(result)


def _refused(path: Path, column: str, bad: BadCellError) -> DataError:
    return DataError(
        f"{path}, column {column!r}{_line(path, bad.row)}: {quoted(bad.value)} {bad.what}.",
        remedy=f"{bad.remedy}; {NOTHING_STORED}",
        file=str(path),
        column=column,
        **({"line": line_of_row(path, bad.row)} if path.suffix == ".csv" else {}),
    )


def _line(path: Path, row: int) -> str:
    """Return the line of the row in a CSV file; "" for a Parquet file."""
    return f", line {line_of_row(path, row)}" if path.suffix == ".csv" else ""


def _series(values: "pa.ChunkedArray", kind: Kind) -> pd.Series:
    import pyarrow.compute as pc

    if kind == "text":
        return pd.Series(pc.fill_null(values, "").to_pandas(), dtype="str")
    if kind == "day":
        return pd.Series(values.to_numpy().astype("datetime64[s]"))
    return pd.Series(values.to_numpy())


def missing(path: Path, column: str, found: list[str]) -> DataError:
    """Return the error for a file without a column."""
    more = f", and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    named = ", ".join(quoted(name)[1:-1] for name in found[:MAX_NAMED])
    return DataError(
        f"{path} has no column {column!r} (found: {named}{more}).",
        remedy=f"See docs/data.md for the columns; {NOTHING_STORED}",
        file=str(path),
        column=column,
    )
