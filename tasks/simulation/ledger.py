"""Record company events of a simulation: the public facts that bars do not show.

Append-only, in session order, so that a shorter history's ledger is a prefix of a longer one's. `row` counts
sessions from the start of the simulation; a symbol is an index into `symbols`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import CAP_CLASSES, Companies, Slots, Values
from tasks.simulation.naming import SECTORS, company_name, nth_symbol

Symbols = NDArray[np.int64]


class Classification(NamedTuple):
    """Sector and cap class of a symbol from a row on."""

    symbol: int
    row: int
    sector: str
    cap_class: str


class Spell(NamedTuple):
    """Index membership from row `start` to `end`, the first row outside."""

    symbol: int
    start: int
    end: int


class Delisting(NamedTuple):
    """The last row with a bar, and what a holder received."""

    symbol: int
    row: int
    kind: str
    last_price: float


class Renaming(NamedTuple):
    """A rename, effective from the row on."""

    old: int
    new: int
    row: int


class Actions(NamedTuple):
    """Dividends (USD per share; 0: none) and splits (new shares per old share; 1: none) of one row."""

    row: int
    symbols: Symbols
    dividend: Values
    split: Values


class Filing(NamedTuple):
    """Items that became public on one row (items × companies)."""

    row: int
    symbols: Symbols
    period: NDArray[np.datetime64]  # the day on which the period ended
    items: Values


@dataclass
class Ledger:
    """All events so far."""

    symbols: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    listings: list[Classification] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    delistings: list[Delisting] = field(default_factory=list)
    renamings: list[Renaming] = field(default_factory=list)
    actions: list[Actions] = field(default_factory=list)
    filings: list[Filing] = field(default_factory=list)

    def enlist(self, companies: Companies, slots: Slots, row: int) -> None:
        """Assign new symbols and names to the companies in the slots, and record their classification."""
        for slot in slots.tolist():
            ordinal = len(self.symbols)
            symbol = nth_symbol(ordinal)
            self.symbols.append(symbol)
            self.names.append(company_name(symbol, ordinal, SECTORS[companies.sector[slot]]))
            companies.listing[slot] = ordinal
        self.classify(companies, slots, row)

    def classify(self, companies: Companies, slots: Slots, row: int) -> None:
        """Record the current sector and cap class of the companies."""
        for slot in slots.tolist():
            listing, sector = int(companies.listing[slot]), SECTORS[companies.sector[slot]]
            self.listings.append(Classification(listing, row, sector, CAP_CLASSES[companies.cap_class[slot]]))
