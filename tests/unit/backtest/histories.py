"""Hostile histories: bars and rows of every table, each row known on its own day or later. For property tests."""

import numpy as np
from hypothesis import strategies as st

from tasks.backtest.build import TABLES, build_world
from tasks.backtest.world import World
from tasks.data.schema.bar_columns import BarColumns
from tests.unit.backtest.stored import DAYS, RULES, bars, table

SESSIONS = 28
SYMBOLS = ("A", "B", "C")

place = st.integers(0, SESSIONS - 1)
symbol = st.sampled_from([*SYMBOLS, "OLD", "GONE"])
price = st.sampled_from([4.0, 10.0, 12.5, 40.0])
DAY_OF = {
    "amendments": "session",
    "actions": "session",
    "levels": "session",
    "members": "start",
    "listings": "available_date",
    "riskfree": "session",
    "renames": "session",
    "findings": "session",
    "delistings": "session",
}
FIELDS = {
    "amendments": {
        "symbol": symbol,
        **dict.fromkeys(("open", "high", "low", "close"), price),
        "volume": st.sampled_from([1.0, 100.0]),
    },
    "actions": {
        "symbol": symbol,
        "dividend": st.sampled_from([0.0, 0.5]),
        "split": st.sampled_from([1.0, 2.0, 1.5, 0.1]),
        "factor": st.sampled_from([1.0, 1.05, 2.0]),
    },
    "levels": {
        "name": st.sampled_from(["SPY", "VIX"]),
        **dict.fromkeys(("open", "high", "low", "close", "adj_close"), price),
        "growth": st.sampled_from([0.9, 1.0, 1.1]),
    },
    "members": {"symbol": symbol, "end": st.none() | place},
    "listings": {
        "symbol": symbol,
        "sector": st.sampled_from(["", "Energy", "Utilities", "Zinc"]),
        "cap_class": st.sampled_from(["", "large", "mid"]),
    },
    "riskfree": {"yield_pct": st.sampled_from([0.0, 4.0, 5.0])},
    "renames": {"old": symbol, "new": symbol},
    "findings": {
        "symbol": symbol,
        "rule": st.sampled_from(["spike", "gap"]),
        "severity": st.sampled_from(["note", "quarantine", "stop"]),
    },
    "delistings": {"symbol": symbol, "kind": st.just("merger"), "last_price": st.none() | price},
}


@st.composite
def rows_of(draw, name):
    rows = draw(st.lists(st.fixed_dictionaries({DAY_OF[name]: place, **FIELDS[name]}), max_size=5))
    for row in rows:
        late = draw(st.sampled_from([0, 0, 0, 1, 4, 9]))
        known = row[DAY_OF[name]] + late
        if name == "members" and row["end"] is not None:  # the lake knows an end on that day at the earliest
            known = max(known, row["end"])
        row["known"] = known
    return [row for row in rows if row["known"] < SESSIONS]


traded = st.dictionaries(place, price, min_size=1, max_size=SESSIONS)


def world_until(last, closes, rows) -> World:
    """Return the world of what was known by a session: no later bar and no later row exists."""
    seen = {
        name: {day: close for day, close in column.items() if day <= last} for name, column in closes.items()
    }
    seen = {name: column for name, column in seen.items() if column}
    stored = {
        name: table(name, *(row for row in rows.get(name, ()) if row["known"] <= last)) for name in TABLES
    }
    stored["lives"] = table(
        "lives", *({"symbol": name, "first": min(column)} for name, column in seen.items())
    )
    made = bars(seen) if seen else BarColumns(np.array([], str), *(np.zeros(0, int),) * 2, {})
    return build_world(made, stored, DAYS[: last + 1], rules=RULES, dividend_pay_sessions=3)


some_closes = st.fixed_dictionaries({"A": traded}, optional={"B": traded, "C": traded})
some_rows = st.fixed_dictionaries({name: rows_of(name) for name in FIELDS})
