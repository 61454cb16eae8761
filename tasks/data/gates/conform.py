"""Check the schema of a delivery: missing columns, wrong types, rows dated in the future.

Schema only: values are checked by the other gates. Never silently converts what may be an error.
"""

from datetime import date

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import COLUMNS, EMPTY_DTYPES, Kind, Table

# The column of each table that dates when a row became known.
DATED: dict[Table, str] = {
    "bars": "session",
    "actions": "session",
    "levels": "session",
    "members": "start",
    "listings": "available_date",
    "fundamentals": "available_date",
    "riskfree": "session",
    "renames": "session",
    "delistings": "session",
}


def conform(delivery: Delivery, *, through: date, provider: str) -> dict[str, pd.DataFrame]:
    """Return the delivered tables with exactly the required columns; raise DataError naming the first violation."""
    tables = {}
    for name, columns in COLUMNS.items():
        frame = delivery.table(name)
        for column, kind in columns.items():
            _check_column(frame, name, column, kind, provider)
        wanted = list(columns) + (_further_items(frame) if name == "fundamentals" else [])
        exact = frame[wanted].assign(
            **{column: _exact(frame[column], kind) for column, kind in columns.items() if kind != "text"}
        )
        _refuse_future(exact, name, through, provider)
        tables[str(name)] = exact
    members = tables["members"]
    # the end of a membership is known on that day, not before
    tables["members"] = members.assign(end=members["end"].where(members["end"] <= pd.Timestamp(through)))
    return tables


def refuse_lost_items(delivered: pd.DataFrame, stored: pd.DataFrame, provider: str) -> None:
    """Raise DataError when fundamentals lack an item that earlier deliveries had."""
    lost = sorted(set(stored.columns) - set(delivered.columns) - {"known", "revision"})
    if lost and len(delivered):
        raise _drift(provider, "fundamentals", lost[0], "it is missing, although earlier deliveries had it")


def _exact(values: pd.Series, kind: Kind) -> pd.Series:
    if kind == "number":
        return values.astype("float64")
    days = values.to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    return pd.Series(days, index=values.index)


def _further_items(frame: pd.DataFrame) -> list[str]:
    fixed = COLUMNS["fundamentals"]
    return [
        str(name)
        for name in frame.columns
        if name not in fixed
        and pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]


def _check_column(frame: pd.DataFrame, table: str, column: str, kind: Kind, provider: str) -> None:
    if column not in frame.columns:
        found = ", ".join(str(name) for name in frame.columns)
        raise _drift(provider, table, column, f"it is missing (found: {found})")
    values = frame[column]
    if len(values) == 0:
        return
    fits = {
        "text": pd.api.types.is_string_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype),
        "day": pd.api.types.is_datetime64_dtype(values),
        "number": pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values),
    }[kind]
    if not fits:
        raise _drift(provider, table, column, f"its type is {values.dtype}, not {EMPTY_DTYPES[kind]}")
    if kind != "number" and column != "end" and values.isna().any():
        raise _drift(provider, table, column, "it has no value in some rows")


def _refuse_future(frame: pd.DataFrame, table: Table, through: date, provider: str) -> None:
    if frame.empty:
        return
    latest = frame[DATED[table]].max()
    if latest > pd.Timestamp(through) + pd.Timedelta(hours=23, minutes=59):
        raise DataError(
            f"{provider} delivered {table} dated {latest.date()}, later than the session {through}.",
            remedy="Correct the dates at the source; nothing was stored.",
            table=table,
            latest=str(latest.date()),
        )


def _drift(provider: str, table: str, column: str, what: str) -> DataError:
    return DataError(
        f"The table {table} from {provider} does not match the required schema at column {column!r}: {what}.",
        remedy="See docs/adding-a-provider.md for the required columns; nothing was stored.",
        table=table,
        column=column,
    )
