"""Stored tables and bars for tests of the world. Days are places in DAYS; a row is known on its own day by default."""

import numpy as np
import pandas as pd

from tasks.backtest.build import TABLES, build_world
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import PanelRules
from tasks.data.schema.tables import SPECS, empty_table

DAYS = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")  # any days may be sessions
RULES = PanelRules("SPY", "VIX", 5.0, 100.0, 1, 2)


def table(name, *rows, days=DAYS):
    """Return rows of a stored table with every revision."""
    frame = empty_table(name)
    if not rows:
        return frame
    dated = [{"known": row.get(SPECS[name].day), **row} for row in rows]
    columns = {}
    for column, like in frame.items():
        values = [row.get(column) for row in dated]
        if str(like.dtype).startswith("datetime"):
            dates = [np.datetime64("NaT") if value is None else days[value] for value in values]
            columns[column] = pd.Series(np.array(dates, dtype="datetime64[D]")).astype(like.dtype)
        else:
            columns[column] = pd.Series(values).astype(like.dtype)
            if like.dtype == "str":
                columns[column] = columns[column].fillna("")
    return pd.DataFrame(columns)


def bars(closes, *, opens=None, volume=100.0, days=DAYS):
    """Return the bars of closes by symbol and place; the open is the close unless given."""
    rows = [(name, day, close) for name, column in closes.items() for day, close in column.items()]
    names = sorted(closes)
    close = np.array([row[2] for row in rows], dtype=float)
    opened = [(opens or {}).get((name, day), price) for name, day, price in rows]
    return BarColumns(
        np.array(names),
        np.array([names.index(row[0]) for row in rows], dtype=np.int64),
        days[[row[1] for row in rows]],
        {
            "open": np.array(opened, dtype=float),
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": np.full(len(rows), volume),
        },
    )


def world(
    closes, *, sessions=30, opens=None, volume=100.0, lives=None, rules=RULES, pays_in=3, days=DAYS, **rows
):
    """Return the world of bars and of table rows: world({"A": {0: 10.0}}, actions=[{...}])."""
    stored = {name: table(name, *rows.get(name, ()), days=days) for name in TABLES}
    firsts = lives or [{"symbol": name, "first": min(days)} for name, days in closes.items()]
    stored["lives"] = table("lives", *firsts, days=days)
    return build_world(
        bars(closes, opens=opens, volume=volume, days=days),
        stored,
        days[:sessions],
        rules=rules,
        dividend_pay_sessions=pays_in,
    )


def flat(price=10.0, *, first=0, last=29):
    """Return one price on all days from `first` to `last`."""
    return dict.fromkeys(range(first, last + 1), price)
