"""Read a directory of the user's CSV or Parquet files (columns: docs/data.md).

Values are delivered as they are: symbols are normalized by one rule (files/spelling), nothing else is corrected or
guessed. A missing column or a cell that is not a number is an error that names the file. Symbols are text, including
NA, NAN and TRUE.
"""

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.clock import now
from tasks.core.errors import ConfigError, DataError
from tasks.core.homes.run import Run
from tasks.core.sessions import FIRST_DAY
from tasks.core.text import ascii_label, counted
from tasks.data.providers import filings
from tasks.data.providers.base import Delivery
from tasks.data.providers.files.contradictions import refuse_contradictory_spells, refuse_two_sectors
from tasks.data.providers.files.csv_faults import NOTHING_STORED
from tasks.data.providers.files.spelling import canonical_symbols
from tasks.data.providers.files.tabular import convert, load, missing, numeric_columns
from tasks.data.providers.sectors import gics_sector
from tasks.data.providers.wanted import MAX_BREAK, sessions_after
from tasks.data.schema.columns import ALWAYS, COLUMNS, EVERY_TABLE, Kind, Table, empty

log = logging.getLogger(__name__)

MAX_NAMED = 5
SUFFIXES = (".parquet", ".csv")
OVERLAP = timedelta(days=14)  # bars delivered again on each refresh, to detect restatements

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
    """Return the provider for the directory in the settings."""
    folder = run.settings.data.files.path
    if folder is None:
        raise ConfigError(
            "data.provider is files, but data.files.path is not set.",
            remedy="Set data.files.path or AFTERCLOSE_DATA__FILES__PATH.",
            key="data.files.path",
        )
    return FilesProvider(folder, needs_prices=run.settings.data.providers[0] == "files")


class FilesProvider:
    """A directory as a source of market data; only the first provider needs prices."""

    name = "files"

    def __init__(self, folder: Path, *, needs_prices: bool = True) -> None:
        self._folder = folder
        self.respelled: dict[str, str] = {}  # symbols as written in the files → as stored
        self.unknown_sectors: dict[str, int] = {}  # sectors that GICS does not define → number of rows
        if not folder.is_dir():
            raise ConfigError(
                f"{folder} is not a directory.",
                remedy="Specify the directory that holds prices.parquet or prices.csv.",
            )
        self._prices = self._find("prices")
        if self._prices is None and needs_prices:
            raise ConfigError(
                f"{folder} contains neither prices.parquet nor prices.csv.",
                remedy="Put one of them there; docs/data.md lists the columns.",
            )

    @property
    def capabilities(self) -> frozenset[Table]:
        stems: dict[Table, str] = {
            "bars": "prices",
            "actions": "corporate_actions",
            "levels": "benchmark",
            "members": "membership",
            "renames": "renames",
            "listings": "sectors",
            "fundamentals": "fundamentals",
            "riskfree": "riskfree",
        }
        return frozenset(table for table, stem in stems.items() if self._find(stem))

    def last_session(self) -> date:
        """Return the date of the latest price."""
        latest: date = self._prices_since(None)["date"].max().date()
        return latest

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return the files' rows through `through`; of bars, those from OVERLAP before `after` on."""
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
            renames=self._renames(end),
        ).only(tables)

    def _bars(self, since: date | None) -> pd.DataFrame:
        if self._prices is None:
            return empty("bars")
        prices = self._prices_since(since)
        FilesProvider._prices_since.cache_clear()  # cached since `last_session`: may be a gigabyte
        return prices.rename(columns={"date": "session"})

    @cache  # noqa: B019 - a provider lives as long as one command
    def _prices_since(self, since: date | None) -> pd.DataFrame:
        import pyarrow as pa

        frame = self._read("prices", BAR_FILE, since=since)
        # the read has freed up to a gigabyte of Arrow memory, which the allocator would otherwise retain
        pa.default_memory_pool().release_unused()
        if frame.empty and since is None:
            raise DataError(
                f"{self._prices} has no rows.",
                remedy=f"Add prices below its header; {NOTHING_STORED}",
                file=str(self._prices),
            )
        early = frame.loc[frame["date"] < pd.Timestamp(FIRST_DAY), "date"]
        if len(early) and since is None:
            log.warning(
                "%s: %s dated before %s are not used; the earliest is dated %s",
                self._prices,
                counted(len(early), "row"),
                FIRST_DAY,
                np.datetime_as_string(early.min().to_datetime64(), unit="D"),
            )
        latest, today = frame["date"].max(), now().date()
        if len(frame) and latest.date() > today:
            rows = int((frame["date"] > pd.Timestamp(today)).sum())
            raise DataError(
                f"{self._prices} has {counted(rows, 'row')} dated after today ({today}), the latest {latest.date()}.",
                remedy=f"Correct the dates; {NOTHING_STORED}",
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
        return self._read("corporate_actions", columns, table_if_absent="actions", rename={"date": "session"})

    def _levels(self) -> pd.DataFrame:
        frame = self._read(
            "benchmark",
            {name: kind for name, kind in BAR_FILE.items() if name != "volume"},
            table_if_absent="levels",
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
            table_if_absent="members",
            rename={"start_date": "start", "end_date": "end"},
            blank="end_date",
        )
        refuse_contradictory_spells(frame, self._find("membership"))
        return frame[frame["start"] <= end].reset_index(drop=True)

    def _renames(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"old_symbol": "text", "new_symbol": "text", "date": "day"}
        frame = self._read(
            "renames",
            columns,
            table_if_absent="renames",
            rename={"old_symbol": "old", "new_symbol": "new", "date": "session"},
        )
        return frame[frame["session"] <= end].reset_index(drop=True)

    def _listings(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"symbol": "text", "name": "text", "gics_sector": "text"}
        frame = self._read(
            "sectors",
            columns,
            table_if_absent="listings",
            optional={"cap_class": "text"},
            rename={"gics_sector": "sector"},
        )
        if "cap_class" not in frame.columns:
            frame = frame.assign(cap_class=pd.Series("", index=frame.index, dtype="str"))
        days = pd.Series(ALWAYS, index=frame.index, dtype="datetime64[s]")
        frame = frame.assign(available_date=days, sector=self._sectors(frame["sector"]))
        refuse_two_sectors(frame, self._find("sectors"))
        frame = frame.drop_duplicates("symbol", keep="last", ignore_index=True)
        return self._with_sector_changes(frame[list(COLUMNS["listings"])], end)

    def _with_sector_changes(self, listings: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
        """Return each company's sector before its first change, and a row for each change.

        A list of changes is complete from its first date on: from then on, a company without a change has had its
        present sector. Sectors before that date remain undated.
        """
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
        changes = changes.assign(
            **{column: self._sectors(changes[column]) for column in ("old_sector", "new_sector")}
        )
        first = changes.drop_duplicates("symbol").set_index("symbol")["old_sector"]
        before = listings.assign(sector=listings["symbol"].map(first).fillna(listings["sector"]))
        known = changes[changes["available_date"] <= end].rename(columns={"new_sector": "sector"})
        since = known[["symbol", "sector", "available_date"]].merge(
            listings[["symbol", "name", "cap_class"]], on="symbol"
        )
        dated = before.assign(available_date=changes["available_date"].min()) if len(known) else before[:0]
        both = pd.concat([before, dated, since[list(COLUMNS["listings"])]], ignore_index=True)
        return both.drop_duplicates(["symbol", "available_date"], keep="last", ignore_index=True)

    def _sectors(self, written: pd.Series) -> pd.Series:
        """Return GICS sectors; labels that GICS does not define become "", are counted and logged."""
        known = written.map({label: gics_sector(str(label)) for label in written.unique()}).astype("str")
        unknown = written[(known == "") & (written.str.strip() != "")].value_counts().sort_index()
        if len(unknown):
            self.unknown_sectors |= {str(label): int(count) for label, count in unknown.items()}
            named = ", ".join(f"{ascii_label(str(label))[:40]!r}" for label in unknown.index[:MAX_NAMED])
            log.warning(
                "sectors that GICS does not define count as unknown: %s%s (%s)",
                named,
                ", …" if len(unknown) > MAX_NAMED else "",
                counted(int(unknown.sum()), "row"),
            )
        return known

    def _fundamentals(self, end: pd.Timestamp) -> pd.DataFrame:
        columns: Mapping[str, Kind] = {"symbol": "text", "end_date": "day", "available_date": "day"}
        filed: Mapping[str, Kind] = {filings.PERIOD: "text", **dict.fromkeys(filings.NUMBERS, "number")}
        path = self._find("fundamentals")
        if path is not None and filings.PERIOD in load(path, {**columns, **filed}).column_names:
            frame = filings.last_four_quarters(self._read("fundamentals", {**columns, **filed}))
        else:
            frame = self._read("fundamentals", columns, table_if_absent="fundamentals", further_items=True)
        # public during the day, perhaps after the close: used from the next session on, as EDGAR's
        known = frame[frame["available_date"] <= end]
        public = known["available_date"].to_numpy().astype("datetime64[D]")
        usable = sessions_after(public, FIRST_DAY + MAX_BREAK, end.date()).astype("datetime64[s]")
        frame = known.assign(available_date=usable)
        return frame[frame["available_date"] <= end].reset_index(drop=True)

    def _riskfree(self) -> pd.DataFrame:
        """Read dates and yields; the yield is the first column that is not the date."""
        path = self._find("riskfree")
        if path is None:
            return empty("riskfree")
        table = load(path, {"date"})
        if "date" not in table.column_names or table.num_columns < 2:
            raise missing(path, "date" if table.num_columns > 1 else "yield", table.column_names)
        name = next(column for column in table.column_names if column != "date")
        frame = convert(path, table, {"date": "day", name: "number"})
        return frame.rename(columns={"date": "session", name: "yield_pct"})

    def _read(
        self,
        stem: str,
        columns: Mapping[str, Kind],
        *,
        table_if_absent: Table | None = None,
        optional: Mapping[str, Kind] | None = None,
        rename: Mapping[str, str] | None = None,
        blank: str = "",
        further_items: bool = False,
        since: date | None = None,
    ) -> pd.DataFrame:
        path = self._find(stem)
        if path is None:
            return empty(table_if_absent or "bars")
        table = load(path, {**columns, **(optional or {})}, since=since)
        wanted = dict(columns) | {k: v for k, v in (optional or {}).items() if k in table.column_names}
        for column in columns:
            if column not in table.column_names:
                raise missing(path, column, table.column_names)
        if further_items:
            wanted |= dict.fromkeys(numeric_columns(table, wanted), "number")
        frame = convert(path, table, wanted, blank=blank)
        for column in (name for name in columns if name.endswith("symbol")):
            canonical, changed = canonical_symbols(frame[column], str(path))
            self.respelled |= changed
            frame = frame.assign(**{column: canonical})
        return frame.rename(columns=dict(rename or {}))

    def _find(self, stem: str) -> Path | None:
        found = [self._folder / f"{stem}{suffix}" for suffix in SUFFIXES]
        there = [path for path in found if path.is_file()]
        if len(there) > 1:
            raise ConfigError(
                f"{self._folder} contains both {there[0].name} and {there[1].name}.",
                remedy="Keep one of them.",
            )
        return there[0] if there else None
