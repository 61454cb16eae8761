"""Convert a provider's responses into the frames of a delivery (providers/base)."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from tasks.data.schema.columns import COLUMNS, EMPTY_DTYPES, Table


def typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the table's columns and types; days may be text, dates or datetimes."""
    columns = {}
    for name, kind in COLUMNS[table].items():
        values = pd.to_datetime(frame[name]) if kind == "day" else frame[name]
        columns[name] = values.astype(EMPTY_DTYPES[kind])  # type: ignore[call-overload]
    return pd.DataFrame(columns)


def merged_actions(
    rows: Sequence[tuple[str, str, float, float]], *, since: date, through: date
) -> pd.DataFrame:
    """Return one action per symbol and ex-date from `since` through `through`: dividends added, splits multiplied."""
    frame = typed("actions", pd.DataFrame(rows, columns=list(COLUMNS["actions"])))
    is_wanted = (frame["session"] >= pd.Timestamp(since)) & (frame["session"] <= pd.Timestamp(through))
    together = frame[is_wanted].groupby(["symbol", "session"], as_index=False)
    return typed("actions", together.agg({"dividend": "sum", "split": "prod"}))
