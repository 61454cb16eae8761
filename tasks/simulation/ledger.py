"""Write down what happens to companies while the market is walked: the public facts that bars do not show.

Rows are only ever appended, in session order, so that the ledger of a shorter walk is the beginning of a longer one's.
`row` counts sessions from the start of the walk; a symbol is named by its place in `symbols`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import CAP_CLASSES, Companies, Slots, Values
from tasks.simulation.naming import SECTORS, name_of, symbol_of

Symbols = NDArray[np.int64]


class Listing(NamedTuple):
    """What a symbol is called and where it belongs, from a row on."""

    symbol: int
    row: int
    sector: str
    cap_class: str


class Spell(NamedTuple):
    """Index membership: from a row to the first row outside again."""

    symbol: int
    start: int
    end: int


class Delisting(NamedTuple):
    """The last row with a bar, and what a holder got."""

    symbol: int
    row: int
    kind: str
    last_price: float


class Renaming(NamedTuple):
    """From the row on, the company trades under another symbol."""

    old: int
    new: int
    row: int


class Actions(NamedTuple):
    """Dividends (USD a share; 0: none) and splits (new shares per old one; 1: none) of one row."""

    row: int
    symbols: Symbols
    dividend: Values
    split: Values


class Filing(NamedTuple):
    """Figures that became public on one row, as figures × companies."""

    row: int
    symbols: Symbols
    period: NDArray[np.datetime64]  # the day on which the period ended
    figures: Values


@dataclass
class Ledger:
    """All that was written down so far."""

    symbols: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    delistings: list[Delisting] = field(default_factory=list)
    renamings: list[Renaming] = field(default_factory=list)
    actions: list[Actions] = field(default_factory=list)
    filings: list[Filing] = field(default_factory=list)

    def enlist(self, companies: Companies, slots: Slots, row: int) -> None:
        """Give the companies in the slots new symbols and names, and write down where they belong."""
        for slot in slots.tolist():
            ordinal = len(self.symbols)
            symbol = symbol_of(ordinal)
            self.symbols.append(symbol)
            self.names.append(name_of(symbol, ordinal, SECTORS[companies.sector[slot]]))
            companies.listing[slot] = ordinal
        self.classify(companies, slots, row)

    def classify(self, companies: Companies, slots: Slots, row: int) -> None:
        """Write down sector and cap class of the companies as they are now."""
        for slot in slots.tolist():
            listing, sector = int(companies.listing[slot]), SECTORS[companies.sector[slot]]
            self.listings.append(Listing(listing, row, sector, CAP_CLASSES[companies.cap_class[slot]]))
