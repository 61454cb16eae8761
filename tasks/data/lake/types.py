"""Convert rows between frames and Arrow with exactly the stored types: text, date32, float64.

The only conversion, so that a column cannot widen or lose precision between memory and disk.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.columns import EMPTY_DTYPES, Kind
from tasks.data.schema.tables import OHLCV, SPECS

if TYPE_CHECKING:
    import pyarrow as pa


def to_arrow(frame: pd.DataFrame, name: str, revision: int) -> "pa.Table":
    """Return the rows with exactly the stored types, in the table's order."""
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {"text": pa.string(), "day": pa.date32(), "number": pa.float64()}
    kinds: dict[str, Kind] = dict(SPECS[name].columns)
    if name == "fundamentals":
        kinds |= {str(c): "number" for c in frame.columns if c not in kinds and c != "known"}
    if name == "bars":
        frame = frame.sort_values(["session", "symbol"], kind="stable")
    columns = {column: _column(frame[column], types[kind]) for column, kind in kinds.items()}
    if name == "bars":
        columns["year"] = pa.array(frame["session"].dt.year.to_numpy(dtype=np.int32))
    else:
        columns["known"] = _column(frame["known"], pa.date32())
        columns["revision"] = pa.array(np.full(len(frame), revision, dtype=np.int32))
    return pa.table(columns)


def stream_by_year(frame: pd.DataFrame, revision: int) -> "pa.RecordBatchReader":
    """Return the bars as a stream of years, in the table's order: a reader holds one year in memory."""
    import pyarrow as pa

    years = frame["session"].dt.year.to_numpy()
    batches = (
        batch
        for year in np.unique(years)
        for batch in to_arrow(frame[years == year], "bars", revision).to_batches()
    )
    return pa.RecordBatchReader.from_batches(to_arrow(frame.iloc[:0], "bars", revision).schema, batches)


def _column(values: pd.Series, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_date32(kind):
        return pa.array(values.to_numpy().astype("datetime64[D]"), kind)
    if isinstance(values.dtype, pd.CategoricalDtype):
        names = pa.array(values.cat.categories.astype("str"), pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(values.cat.codes.to_numpy()), names).cast(kind)
    return pa.array(values, kind, from_pandas=kind == pa.string())


def to_frame(table: "pa.Table") -> pd.DataFrame:
    """Return stored rows as a frame: text as str, days as datetime64[s]."""
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    days = [field.name for field in table.schema if pa.types.is_date32(field.type)]
    return frame.astype(dict.fromkeys(days, EMPTY_DTYPES["day"]))


def bar_columns(table: "pa.Table") -> BarColumns:
    """Return stored bars as columns; their symbols were read as a dictionary."""
    if table.num_rows == 0:
        return no_bars()
    symbol = table["symbol"].unify_dictionaries().combine_chunks()
    symbol = symbol if hasattr(symbol, "indices") else symbol.chunk(0)
    return BarColumns(
        symbol.dictionary.to_numpy(zero_copy_only=False).astype(str),
        symbol.indices.to_numpy().astype(np.int64),
        table["session"].to_numpy().astype("datetime64[D]"),
        {name: table[name].to_numpy() for name in OHLCV},
    )


def no_bars() -> BarColumns:
    """Return bars without rows."""
    nothing = np.zeros(0)
    return BarColumns(
        np.array([], dtype=str),
        nothing.astype(np.int64),
        nothing.astype("datetime64[D]"),
        dict.fromkeys(OHLCV, nothing),
    )
