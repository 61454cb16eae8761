"""Tell which symbols the lake knows, so that a typing error is refused before it is stored."""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from typing import NamedTuple

from config.settings import Settings
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_tables
from tasks.data.panel.companies import company_index
from tasks.portfolio.holdings.events import Events, events_of, symbol_today
from tasks.portfolio.holdings.positions import Position, carry

MOST_NAMED = 3
CLOSE_ENOUGH = 0.5


class KnownSymbols(NamedTuple):
    """The companies that have prices in the lake, their splits, and the first and last stored session."""

    events: Events
    first_session: date
    last_session: date

    def current(self, line: Position) -> str:
        """Return today's symbol of the company; an unknown symbol is unchanged."""
        return symbol_today(line.symbol, line.session or self.last_session, self.events.companies)

    def has(self, line: Position) -> bool:
        """Return whether the lake has prices of the company."""
        return self.is_current(self.current(line))

    def is_current(self, symbol: str) -> bool:
        """Return whether a company has this symbol today."""
        return bool((self.events.companies.names == symbol).any())

    def carried(self, lines: Iterable[Position], through: date) -> tuple[Position, ...]:
        """Return the positions under today's symbols, adjusted for splits up to the session `through`."""
        return tuple(
            carry(line, through, symbol=self.current(line), splits=self.events.splits) for line in lines
        )

    def closest(self, symbol: str) -> str:
        """Return a hint that names the most similar symbols; empty if none is similar."""
        names = [str(name) for name in self.events.companies.names if "~" not in str(name)]
        renamed = symbol_today(symbol, self.last_session, self.events.companies)
        similar = get_close_matches(symbol.strip().upper(), names, n=MOST_NAMED, cutoff=CLOSE_ENOUGH)
        found = list(dict.fromkeys([*([renamed] if renamed in names else []), *similar]))[:MOST_NAMED]
        return f" (most similar: {', '.join(found)})" if found else ""


def read_known_symbols(home: Home, settings: Settings) -> KnownSymbols | None:
    """Return the symbols that the lake knows; None if the home has no lake yet or it cannot be read now."""
    try:
        lake = lake_of(home, settings)
        head = read_head(lake)
        if head is None or head.first_session is None or head.last_session is None:
            return None
        tables = read_tables(lake, head.versions, ("actions", "lives", "renames"), session=None)
    except AftercloseError:  # `daily` reports it; an instruction of a person does not wait for it
        return None
    companies = company_index(tables["lives"], tables["renames"])
    return KnownSymbols(events_of(tables["actions"], companies), head.first_session, head.last_session)
