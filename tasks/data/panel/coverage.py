"""Count the index members that have prices: without the others, a history has survivorship bias."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from tasks.data.lake.store import read_bars, read_tables
from tasks.data.panel.companies import renames_from, successor
from tasks.data.schema.records import Days, SnapshotRef


@dataclass(frozen=True)
class Coverage:
    """How many index members have a bar on one session: the others are missing in the data."""

    session: date
    members: int
    priced: int


def coverage_by_year(snapshot: SnapshotRef, sessions: Days) -> tuple[Coverage, ...]:
    """Count the members on the last of these sessions in each year; empty where membership is unknown."""
    tables = read_tables(snapshot.lake, snapshot.versions, ("members", "renames"), session=snapshot.session)
    if tables["members"].empty:
        return ()
    years = pd.Series(sessions).groupby(sessions.astype("datetime64[Y]")).max()
    counted = []
    for day in years.dt.date:
        bars = read_bars(snapshot.lake, snapshot.versions, since=day, through=day)
        traded = {str(bars.symbols[code]) for code in set(bars.code.tolist())}
        counted += coverage_on(day, traded, tables["members"], tables["renames"])
    return tuple(counted)


def coverage_on(day: date, traded: set[str], members: pd.DataFrame, renames: pd.DataFrame) -> list[Coverage]:
    """Count the members of one session, and the members that traded; empty without members."""
    at = pd.Timestamp(day)
    inside = members[(members["start"] <= at) & (members["end"].isna() | (members["end"] > at))]
    if inside.empty:
        return []
    renamed, starts = renames_from(renames), inside["start"].to_numpy().astype("datetime64[D]")
    symbols = {
        successor(symbol, start, renamed, traded)
        for symbol, start in zip(inside["symbol"].astype(str), starts, strict=True)
    }
    return [Coverage(day, len(symbols), len(symbols & traded))]
