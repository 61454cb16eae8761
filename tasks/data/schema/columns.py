"""Define the tables of market data: their columns and the kind of value in each."""

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
    # unadjusted, under the symbol in force on that session; unique by symbol and session
    "bars": {
        "symbol": "text",
        "session": "day",
        "open": "number",
        "high": "number",
        "low": "number",
        "close": "number",
        "volume": "number",
    },
    # by ex-date: dividend in USD per share (0: none), split as new shares per old share (2 = two for one, 1: none)
    "actions": {"symbol": "text", "session": "day", "dividend": "number", "split": "number"},
    # benchmark and volatility index; adj_close is the total-return level (equal to close where there is none). A
    # source that rebases adj_close at each distribution also delivers the last level up to `after`
    "levels": {
        "name": "text",
        "session": "day",
        "open": "number",
        "high": "number",
        "low": "number",
        "close": "number",
        "adj_close": "number",
    },
    # index membership: first session as a member, first day no longer one (missing: still a member)
    "members": {"symbol": "text", "start": "day", "end": "day"},
    # name and classification of a company, from the day they were public; cap_class large, mid, small or ""
    "listings": {
        "symbol": "text",
        "name": "text",
        "sector": "text",
        "cap_class": "text",
        "available_date": "day",
    },
    # further numeric columns are items of the period that ended on end_date, public from available_date
    "fundamentals": {"symbol": "text", "end_date": "day", "available_date": "day"},
    "riskfree": {"session": "day", "yield_pct": "number"},
    # from `session` on the company trades as `new`
    "renames": {"old": "text", "new": "text", "session": "day"},
    # `session` is the last one with a bar; last_price what a holder received per share; kind e.g. merger, bankruptcy
    "delistings": {"symbol": "text", "session": "day", "kind": "text", "last_price": "number"},
}

PRICE_BOUNDS_USD = (1e-4, 1e7)  # a hundredth of a cent; ten times the highest share price there is
ALWAYS = pd.Timestamp("1900-01-01")  # from when an undated fact counts as known

EMPTY_DTYPES: Mapping[Kind, str] = {"text": "str", "day": "datetime64[s]", "number": "float64"}


def empty(table: Table) -> pd.DataFrame:
    """Return the table without rows: what a provider delivers for a table that it does not support."""
    return pd.DataFrame({name: pd.Series(dtype=EMPTY_DTYPES[kind]) for name, kind in COLUMNS[table].items()})
