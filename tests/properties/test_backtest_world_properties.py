"""The world up to a session knows nothing of what came later (issue 13, done when 4; fault 144).

Bars and rows of every table are drawn, each row known on its own day or later. Whatever was known after a session is
then removed: the world up to that session stays the same. So it also stays the same when later rows are noise, or when
later renames, sector changes and restatements are added.
"""

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.backtest.build import TABLES, build_world
from tasks.backtest.world import World, until
from tasks.data.panel.as_known import Dated
from tasks.data.schema.bar_columns import BarColumns
from tests.unit.backtest.stored import DAYS, RULES, bars, table

SESSIONS = 28
SYMBOLS = ("A", "B", "C")
DISPLAY_ONLY = {"symbol"}  # the latest name of each company

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
        "split": st.sampled_from([1.0, 2.0]),
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
        "severity": st.sampled_from(["note", "quarantine"]),
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


def assert_same(one: World, other: World) -> None:
    for field in fields(World):
        found, expected = getattr(one, field.name), getattr(other, field.name)
        if isinstance(found, Dated):
            found, expected = (np.array(dated.names)[dated.codes] for dated in (found, expected))
        if isinstance(found, np.ndarray) and field.name not in DISPLAY_ONLY:
            np.testing.assert_array_equal(found, expected, err_msg=field.name)
    assert one.nights == other.nights
    for name in ("restated_bars", "restated_factors"):
        for part in fields(getattr(one, name)):
            np.testing.assert_array_equal(
                getattr(getattr(one, name), part.name), getattr(getattr(other, name), part.name), err_msg=name
            )


@given(
    closes=st.fixed_dictionaries({"A": traded}, optional={"B": traded, "C": traded}),
    rows=st.fixed_dictionaries({name: rows_of(name) for name in FIELDS}),
    last=place,
)
def test_fault_144_what_became_known_later_changes_nothing_of_the_world_before(closes, rows, last):
    last = max(last, min(min(column) for column in closes.values()))

    whole = world_until(SESSIONS - 1, closes, rows)

    assert_same(until(whole, last), world_until(last, closes, rows))
