"""The interface of a source of market data: one call, one delivery of plain frames.

A provider only delivers data. It never checks its quality (tasks/data/gates), never stores it (tasks/data/lake), and
never reads the clock. Each provider module exposes
`make(run: Run) -> Provider`; tasks/data/providers/registry.py picks it by the name in the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Protocol

import pandas as pd

from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table, empty


@dataclass(frozen=True)
class Delivery:
    """Result of a fetch. Text columns hold str, days datetime64 of any unit at midnight, numbers float64.

    Every row was known at the close of the requested session. Restated bars (sessions not after `after`) are among
    `bars`; whole tables (members, listings, renames, delistings) may be repeated in every delivery.
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
    failovers: tuple[str, ...] = ()  # which provider failed and why, in order
    bars_from: str = ""  # the provider of the bars, if it is not the requested one

    def table(self, name: Table) -> pd.DataFrame:
        """Return the frame of that name."""
        frame: pd.DataFrame = getattr(self, name)
        return frame

    def only(self, tables: frozenset[Table]) -> "Delivery":
        """Return the delivery with empty tables except these."""
        return replace(self, **{name: empty(name) for name in COLUMNS if name not in tables})  # type: ignore[arg-type]


def delivered(found: Mapping[Table, pd.DataFrame], tables: frozenset[Table]) -> Delivery:
    """Return the delivery of the requested tables that were found."""
    return Delivery(**{name: frame for name, frame in found.items() if name in tables})  # type: ignore[arg-type]


class Provider(Protocol):
    """A source of market data."""

    @property
    def name(self) -> str:
        """Its name in settings, logs and reports."""

    @property
    def capabilities(self) -> frozenset[Table]:
        """The tables it supports; the others are empty in its deliveries."""

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return what was known at the close of `through`: bars later than `after`, and restated older ones.

        `after` None requests the whole history. Every supported table of `tables` is delivered in full, or the call
        raises: TransientError where a retry may help. The other tables are empty.
        """
