"""Define what a view is: a named table with described columns. The catalog lists them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["day", "text", "number", "count", "instant"]
SQL_TYPES: Mapping[Kind, str] = {
    "day": "DATE",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "count": "BIGINT",
    "instant": "TIMESTAMP",  # UTC
}
Row = tuple[object, ...]


@dataclass(frozen=True)
class Column:
    """A column and its meaning, with its unit where it has one."""

    name: str
    kind: Kind
    about: str


@dataclass(frozen=True)
class View:
    """A table that can be queried."""

    name: str
    about: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def arrow_schema(view: View) -> "pa.Schema":
    """Return the view's columns as Arrow types."""
    import pyarrow as pa

    types = {
        "day": pa.date32(),
        "text": pa.string(),
        "number": pa.float64(),
        "count": pa.int64(),
        "instant": pa.timestamp("us"),
    }
    return pa.schema([(column.name, types[column.kind]) for column in view.columns])


def arrow_table(view: View, rows: Sequence[Row]) -> "pa.Table":
    """Return the rows as an Arrow table; None is a missing value."""
    import pyarrow as pa

    schema = arrow_schema(view)
    columns = zip(*rows, strict=True) if rows else ((),) * len(view.columns)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)
