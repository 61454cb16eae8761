"""The tables that market data comes in: columns, the kind of value each holds, and their empty form."""

from collections.abc import Mapping
from typing import Literal, get_args

import pandas as pd

Kind = Literal["text", "day", "number"]
Table = Literal[
    "bars",
    "actions",
    "levels",
    "members",
    "listings",
    "fundamentals",
    "riskfree",
    "renames",
    "delistings",
]
EVERY_TABLE: frozenset[Table] = frozenset(get_args(Table))

COLUMNS: Mapping[Table, Mapping[str, Kind]] = {
    # raw, as they stood on the tape, under the symbol in force on that session; unique by symbol and session
    "bars": {
        "symbol": "text",
        "session": "day",
        "open": "number",
        "high": "number",
        "low": "number",
        "close": "number",
        "volume": "number",
    },
    # by ex-date: dividend in USD a share (0: none), split as new shares per old one (2 = two for one, 1: none)
    "actions": {"symbol": "text", "session": "day", "dividend": "number", "split": "number"},
    # benchmark and volatility index; adj_close is the total-return level (equal to close where there is none). A
    # source that rebases adj_close with each distribution repeats the last level not after `after`
    "levels": {
        "name": "text",
        "session": "day",
        "open": "number",
        "high": "number",
        "low": "number",
        "close": "number",
        "adj_close": "number",
    },
    # index membership: first session inside, first day outside again (missing: still a member)
    "members": {"symbol": "text", "start": "day", "end": "day"},
    # what a company is called and where it belongs, from the day this was public; cap_class large, mid, small or ""
    "listings": {
        "symbol": "text",
        "name": "text",
        "sector": "text",
        "cap_class": "text",
        "available_date": "day",
    },
    # further numeric columns are figures of the period that ended on end_date, public from available_date
    "fundamentals": {"symbol": "text", "end_date": "day", "available_date": "day"},
    "riskfree": {"session": "day", "yield_pct": "number"},
    # from `session` on the company trades as `new`
    "renames": {"old": "text", "new": "text", "session": "day"},
    # `session` is the last one with a bar; last_price what a holder got per share; kind e.g. merger, bankruptcy
    "delistings": {"symbol": "text", "session": "day", "kind": "text", "last_price": "number"},
}

OUTERMOST_PRICES_USD = (1e-4, 1e7)  # a hundredth of a cent; ten times the dearest share there is
ALWAYS = pd.Timestamp("1900-01-01")  # since when an undated fact counts as known

EMPTY_DTYPES: Mapping[Kind, str] = {"text": "str", "day": "datetime64[s]", "number": "float64"}


def empty(table: Table) -> pd.DataFrame:
    """Return the table without rows: what a provider hands over that cannot give it."""
    return pd.DataFrame({name: pd.Series(dtype=EMPTY_DTYPES[kind]) for name, kind in COLUMNS[table].items()})
