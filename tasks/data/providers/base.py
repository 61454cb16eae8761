"""What every source of market data looks like to the lake: one call, one delivery of plain frames.

A provider says what it knows and nothing more. It never decides whether data is good enough (tasks/data/quality.py),
never stores anything (tasks/data/store.py), and never reads the clock. Each module beside this one exposes
`make(run: Run) -> Provider`; tasks/data/providers/registry.py picks it by the name in the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Literal, Protocol, get_args

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

ALWAYS = pd.Timestamp("1900-01-01")  # since when an undated fact counts as known

EMPTY_DTYPES: Mapping[Kind, str] = {"text": "str", "day": "datetime64[s]", "number": "float64"}


def empty(table: Table) -> pd.DataFrame:
    """Return the table without rows: what a provider hands over that cannot give it."""
    return pd.DataFrame({name: pd.Series(dtype=EMPTY_DTYPES[kind]) for name, kind in COLUMNS[table].items()})


@dataclass(frozen=True)
class Delivery:
    """One answer of a provider. Text columns hold str, days datetime64 of any unit at midnight, numbers float64.

    Every row was known at the close of the session that was asked for. Restated bars (sessions not after `after`)
    stand among `bars`; whole tables (members, listings, renames, delistings) may be repeated in every delivery.
    """

    bars: pd.DataFrame = field(default_factory=partial(empty, "bars"))
    actions: pd.DataFrame = field(default_factory=partial(empty, "actions"))
    levels: pd.DataFrame = field(default_factory=partial(empty, "levels"))
    members: pd.DataFrame = field(default_factory=partial(empty, "members"))
    listings: pd.DataFrame = field(default_factory=partial(empty, "listings"))
    fundamentals: pd.DataFrame = field(default_factory=partial(empty, "fundamentals"))
    riskfree: pd.DataFrame = field(default_factory=partial(empty, "riskfree"))
    renames: pd.DataFrame = field(default_factory=partial(empty, "renames"))
    delistings: pd.DataFrame = field(default_factory=partial(empty, "delistings"))
    fall_throughs: tuple[str, ...] = ()  # which provider was passed over and why, in order

    def table(self, name: Table) -> pd.DataFrame:
        """Return the frame of that name."""
        frame: pd.DataFrame = getattr(self, name)
        return frame

    def only(self, tables: frozenset[Table]) -> "Delivery":
        """Return the delivery with all tables but these without rows."""
        return replace(self, **{name: empty(name) for name in COLUMNS if name not in tables})  # type: ignore[arg-type]


def delivered(found: Mapping[Table, pd.DataFrame], tables: frozenset[Table]) -> Delivery:
    """Return the delivery that holds what was found of the tables."""
    return Delivery(**{name: frame for name, frame in found.items() if name in tables})  # type: ignore[arg-type]


class Provider(Protocol):
    """A source of market data."""

    @property
    def name(self) -> str:
        """How settings, logs and reports call it."""

    @property
    def capabilities(self) -> frozenset[Table]:
        """Which tables it can give; the others are empty in its deliveries."""

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return what was known at the close of `through`: bars later than `after`, and restated older ones.

        `after` None asks for the whole history. Of `tables` everything it can give is delivered, or the call raises:
        TransientError where asking again may help. The other tables stay without rows.
        """
