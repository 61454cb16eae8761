"""Read the tables of the lake as Arrow, as known today: the last row of each key. Bars are read as they are queried."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.homes.home import Home
from tasks.data.lake.delta import open_table, translating_read_errors
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_table
from tasks.data.schema.records import LakeLocation
from tasks.data.schema.tables import as_seen_on
from tasks.monitoring.views.catalog import PRICES
from tasks.monitoring.views.process_end import end_abruptly
from tasks.monitoring.views.schema import View, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads
    from pyarrow.fs import SubTreeFileSystem

    from config.settings import Settings

BARS, AMENDMENTS = "bars", "amendments"


def lake_and_versions(home: Home, settings: "Settings") -> tuple[LakeLocation, Mapping[str, int]]:
    """Return the lake, and the version of each table that its head names; none without a lake."""
    lake = lake_of(home, settings)
    head: Head | None = read_head(lake)
    return lake, {} if head is None else head.versions


def table_as_known(view: View, lake: LakeLocation, versions: Mapping[str, int]) -> "pa.Table":
    """Return the table with the columns of the view. Raises DataError for a damaged table."""
    import pyarrow as pa

    frame = read_table(lake, versions, view.name)
    seen = as_seen_on(frame, view.name, None)[list(view.names)]
    return pa.Table.from_pandas(seen, preserve_index=False).cast(arrow_schema(view))


def bars_as_known(lake: LakeLocation, versions: Mapping[str, int]) -> "pads.Dataset | pa.Table":
    """Return the bars; restated and late ones replace the first delivery.

    Without any the bars are a dataset, of which only the columns and rows of a question are read.
    """
    import pyarrow as pa

    if BARS not in versions:
        return arrow_schema(PRICES).empty_table()
    with translating_read_errors(lake, BARS):
        table = open_table(lake, BARS, versions[BARS])
        bars = table.to_pyarrow_dataset(filesystem=_filesystem(lake)).replace_schema(arrow_schema(PRICES))
        frame = as_seen_on(read_table(lake, versions, AMENDMENTS), AMENDMENTS, None)[list(PRICES.names)]
        if frame.empty:
            return bars
        amended = pa.Table.from_pandas(frame, preserve_index=False).cast(arrow_schema(PRICES))
        keys = list(PRICES.names[:2])
        kept = bars.to_table().join(amended.select(keys), keys, join_type="left anti")
        return pa.concat_tables([kept.select(PRICES.names), amended])


def _filesystem(lake: LakeLocation) -> "SubTreeFileSystem | None":
    """Return Arrow's own access to the directory of the bars; None for a bucket: that of the Delta library.

    The Delta library's calls Python in Arrow's threads. These read ahead after an answer was abandoned, and at the end
    of the interpreter such a call hangs or crashes: the process has to end without it.
    """
    from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

    if isinstance(lake, Path):
        return SubTreeFileSystem(str(lake / BARS), LocalFileSystem())
    end_abruptly()
    return None
