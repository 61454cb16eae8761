"""Read a folder of CSV or Parquet files that the user keeps (docs/data.md has the columns).

Says what the files say and nothing more: no repairs, no guesses. A missing column or a cell that is no number is an
error that names the file. Symbols are text, also NA, NAN and TRUE.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tasks.core.clock import now
from tasks.core.errors import ConfigError, DataError
from tasks.core.run import Run
from tasks.core.sessions import FIRST_DAY
from tasks.data.providers import filings
from tasks.data.providers.base import ALWAYS, COLUMNS, EVERY_TABLE, Delivery, Kind, Table, empty

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".csv")
OVERLAP = timedelta(days=14)  # bars delivered again on each refresh, so that a restatement is noticed

BAR_FILE: Mapping[str, Kind] = {
    "symbol": "text",
    "date": "day",
    "open": "number",
    "high": "number",
    "low": "number",
    "close": "number",
    "volume": "number",
}


def make(run: Run) -> "FilesProvider":
    """Return the provider of the folder that the settings name."""
    folder = run.settings.data.files.path
    if folder is None:
        raise ConfigError(
            "data.provider is files, and data.files.path names no folder.",
            remedy="Set data.files.path or AFTERCLOSE_DATA__FILES__PATH.",
            key="data.files.path",
        )
    return FilesProvider(folder, needs_prices=run.settings.data.providers[0] == "files")


class FilesProvider:
    """The folder as a source of market data; behind another provider it may do without prices."""

    name = "files"

    def __init__(self, folder: Path, *, needs_prices: bool = True) -> None:
        self._folder = folder
        if not folder.is_dir():
            raise ConfigError(
                f"{folder} is not a folder.",
                remedy="Name the folder that holds prices.parquet or prices.csv.",
            )
        self._prices = self._find("prices")
        if self._prices is None and needs_prices:
            raise ConfigError(
                f"{folder} holds neither prices.parquet nor prices.csv.",
                remedy="Put one of them there; docs/data.md has the columns.",
            )

    @property
    def capabilities(self) -> frozenset[Table]:
        stems: dict[Table, str] = {
            "bars": "prices",
            "actions": "corporate_actions",
            "levels": "benchmark",
            "members": "membership",
            "listings": "sectors",
            "fundamentals": "fundamentals",
            "riskfree": "riskfree",
        }
        return frozenset(table for table, stem in stems.items() if self._find(stem))

    def last_session(self) -> date:
        """Return the date of the latest price."""
        days = self._prices_since(None)["date"]
        if days.empty:
            raise DataError(f"{self._prices} has no rows.", remedy="Put prices into it.")
        latest: date = days.max().date()
        return latest

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return what the files know of the sessions through `through`."""
        since = pd.Timestamp(after - OVERLAP if after else FIRST_DAY)
        end = pd.Timestamp(through)

        def cut(frame: pd.DataFrame, *, begin: pd.Timestamp = since) -> pd.DataFrame:
            return frame[(frame["session"] >= begin) & (frame["session"] <= end)].reset_index(drop=True)

        return Delivery(
            bars=cut(self._bars(since.date() if after else None)),
            actions=cut(self._actions()),
            levels=cut(self._levels()),
            members=self._members(end),
            listings=self._listings(end),
            fundamentals=self._fundamentals(end),
            riskfree=cut(self._riskfree()),
        ).only(tables)

    def _bars(self, since: date | None) -> pd.DataFrame:
        if self._prices is None:
            return empty("bars")
        return self._prices_since(since).rename(columns={"date": "session"})

    @cache  # noqa: B019 - a provider lives as long as one command
    def _prices_since(self, since: date | None) -> pd.DataFrame:
        frame = self._read("prices", BAR_FILE, since=since)
        latest, today = frame["date"].max(), now().date()
        if len(frame) and latest.date() > today:
            rows = int((frame["date"] > pd.Timestamp(today)).sum())
            raise DataError(
                f"{self._prices} has {rows} rows dated after today ({today}), the latest {latest.date()}.",
                remedy="Mend the dates; nothing was stored.",
                file=str(self._prices),
            )
        return frame

    def _actions(self) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {
            "symbol": "text",
            "date": "day",
            "dividend": "number",
            "split": "number",
        }
        return self._read("corporate_actions", columns, instead="actions", rename={"date": "session"})

    def _levels(self) -> pd.DataFrame:
        frame = self._read(
            "benchmark",
            {name: kind for name, kind in BAR_FILE.items() if name != "volume"},
            instead="levels",
            optional={"adj_close": "number"},
            rename={"symbol": "name", "date": "session"},
        )
        if "adj_close" not in frame.columns:
            frame = frame.assign(adj_close=frame["close"])
        return frame[list(COLUMNS["levels"])]

    def _members(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"symbol": "text", "start_date": "day", "end_date": "day"}
        frame = self._read(
            "membership",
            columns,
            instead="members",
            rename={"start_date": "start", "end_date": "end"},
            blank="end_date",
        )
        return frame[frame["start"] <= end].reset_index(drop=True)

    def _listings(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"symbol": "text", "name": "text", "gics_sector": "text"}
        frame = self._read(
            "sectors",
            columns,
            instead="listings",
            optional={"cap_class": "text"},
            rename={"gics_sector": "sector"},
        )
        if "cap_class" not in frame.columns:
            frame = frame.assign(cap_class=pd.Series("", index=frame.index, dtype="str"))
        days = pd.Series(ALWAYS, index=frame.index, dtype="datetime64[s]")
        frame = frame.assign(available_date=days).drop_duplicates("symbol", keep="last", ignore_index=True)
        return self._with_sector_changes(frame[list(COLUMNS["listings"])], end)

    def _with_sector_changes(self, listings: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
        """Give each company the sector it had before its first change, and a row for each change since."""
        columns: Mapping[str, Kind] = {
            "symbol": "text",
            "first_seen_with_new_sector": "day",
            "old_sector": "text",
            "new_sector": "text",
        }
        if self._find("sector_changes") is None:
            return listings
        changes = self._read(
            "sector_changes", columns, rename={"first_seen_with_new_sector": "available_date"}
        ).sort_values(["symbol", "available_date"], kind="stable")
        first = changes.drop_duplicates("symbol").set_index("symbol")["old_sector"]
        before = listings.assign(sector=listings["symbol"].map(first).fillna(listings["sector"]))
        known = changes[changes["available_date"] <= end].rename(columns={"new_sector": "sector"})
        since = known[["symbol", "sector", "available_date"]].merge(
            listings[["symbol", "name", "cap_class"]], on="symbol"
        )
        both = pd.concat([before, since[list(COLUMNS["listings"])]], ignore_index=True)
        return both.drop_duplicates(["symbol", "available_date"], keep="last", ignore_index=True)

    def _fundamentals(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"symbol": "text", "end_date": "day", "available_date": "day"}
        path = self._find("fundamentals")
        if path is not None and filings.PERIOD in _columns_of(path):
            further: Mapping[str, Kind] = {filings.PERIOD: "text", **dict.fromkeys(filings.NUMBERS, "number")}
            frame = filings.last_four_quarters(self._read("fundamentals", {**columns, **further}))
        else:
            frame = self._read("fundamentals", columns, instead="fundamentals", further_figures=True)
        return frame[frame["available_date"] <= end].reset_index(drop=True)

    def _riskfree(self) -> pd.DataFrame:
        """Read date and yield; the yield is the second column, whatever it is called."""
        path = self._find("riskfree")
        if path is None:
            return empty("riskfree")
        table = _load(path)
        if "date" not in table.column_names or table.num_columns < 2:
            raise _missing(path, "date" if table.num_columns > 1 else "yield", table.column_names)
        name = next(column for column in table.column_names if column != "date")
        frame = _convert(path, table, {"date": "day", name: "number"})
        return frame.rename(columns={"date": "session", name: "yield_pct"})

    def _read(
        self,
        stem: str,
        columns: Mapping[str, Kind],
        *,
        instead: Table | None = None,
        optional: Mapping[str, Kind] | None = None,
        rename: Mapping[str, str] | None = None,
        blank: str = "",
        further_figures: bool = False,
        since: date | None = None,
    ) -> pd.DataFrame:
        path = self._find(stem)
        if path is None:
            return empty(instead or "bars")
        table = _load(path, since=since)
        wanted = dict(columns) | {k: v for k, v in (optional or {}).items() if k in table.column_names}
        for column in columns:
            if column not in table.column_names:
                raise _missing(path, column, table.column_names)
        if further_figures:
            wanted |= dict.fromkeys(_figures(table, wanted), "number")
        return _convert(path, table, wanted, blank=blank).rename(columns=dict(rename or {}))

    def _find(self, stem: str) -> Path | None:
        found = [self._folder / f"{stem}{suffix}" for suffix in SUFFIXES]
        there = [path for path in found if path.is_file()]
        if len(there) > 1:
            raise ConfigError(
                f"{self._folder} holds both {there[0].name} and {there[1].name}.", remedy="Keep one of them."
            )
        return there[0] if there else None


def _load(path: Path, *, since: date | None = None) -> "pa.Table":
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


def _columns_of(path: Path) -> list[str]:
    return list(_load(path).column_names)


def _figures(table: "pa.Table", known: Mapping[str, Kind]) -> list[str]:
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


def _convert(path: Path, table: "pa.Table", columns: Mapping[str, Kind], *, blank: str = "") -> pd.DataFrame:
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


def _missing(path: Path, column: str, found: list[str]) -> DataError:
    return DataError(
        f"{path} has no column {column!r} (found: {', '.join(found)}).",
        remedy="See docs/data.md for the columns; nothing was stored.",
        file=str(path),
        column=column,
    )
