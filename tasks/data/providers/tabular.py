"""Read a CSV or Parquet file into typed columns. A cell that is no number or no day is an error that names the file."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.columns import Kind

if TYPE_CHECKING:
    import pyarrow as pa


def load(path: Path, *, since: date | None = None) -> "pa.Table":
    """Read the file; of a Parquet file with real dates only the rows from `since` on."""
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
            has_dates = "date" in schema.names and pa.types.is_date32(schema.field("date").type)
            return pq.read_table(path, filters=[("date", ">=", since)] if since and has_dates else None)
        header = pc.open_csv(path).schema.names
        as_text = pc.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        )
        return pc.read_csv(path, convert_options=as_text)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path} cannot be read: {str(error).splitlines()[0][:200]}",
            remedy="Write the file anew; nothing was stored.",
            file=str(path),
        ) from error


def columns_of(path: Path) -> list[str]:
    """Name the file's columns."""
    return list(load(path).column_names)


def figures(table: "pa.Table", known: Mapping[str, Kind]) -> list[str]:
    """Return further columns that hold numbers; in a CSV all cells are text, so that they have to be tried."""
    import pyarrow as pa
    import pyarrow.compute as pc

    result = []
    for field in table.schema:
        if field.name in known:
            continue
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            result.append(field.name)
        elif pa.types.is_string(field.type):
            try:
                pc.cast(_blank_to_null(table[field.name]), pa.float64())
            except pa.ArrowInvalid:
                continue
            result.append(field.name)
    return result


def convert(path: Path, table: "pa.Table", columns: Mapping[str, Kind], *, blank: str = "") -> pd.DataFrame:
    """Return the columns as the kinds they should be; only `blank` may lack dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types: dict[Kind, pa.DataType] = {"text": pa.string(), "day": pa.date32(), "number": pa.float64()}
    result = {}
    for name, kind in columns.items():
        values = table[name]
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        if is_text and kind != "text":
            values = _blank_to_null(values)
        try:
            values = pc.cast(values, types[kind])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{path}, column {name!r}: {str(error).splitlines()[0][:200]}",
                remedy=f"Write every cell as {'YYYY-MM-DD' if kind == 'day' else kind}; nothing was stored.",
                file=str(path),
                column=name,
            ) from error
        if kind == "day" and name != blank and values.null_count:
            raise DataError(
                f"{path}, column {name!r}: {values.null_count} rows have no date.",
                remedy="Fill them in or leave the rows out; nothing was stored.",
                file=str(path),
                column=name,
            )
        result[name] = _series(values, kind)
    return pd.DataFrame(result)


def _series(values: "pa.ChunkedArray", kind: Kind) -> pd.Series:
    import pyarrow.compute as pc

    if kind == "text":
        return pd.Series(pc.fill_null(values, "").to_pandas(), dtype="str")
    if kind == "day":
        return pd.Series(values.to_numpy().astype("datetime64[s]"))
    return pd.Series(values.to_numpy())


def _blank_to_null(values: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)


def missing(path: Path, column: str, found: list[str]) -> DataError:
    """Return the error for a file without a column."""
    return DataError(
        f"{path} has no column {column!r} (found: {', '.join(found)}).",
        remedy="See docs/data.md for the columns; nothing was stored.",
        file=str(path),
        column=column,
    )
