"""The market that a paper account trades in: stored bars and the events before each session's open.

Symbols are those of the session named in the call: a symbol and a session identify a company. Prices are whole cents;
0 means that there is none.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol


class Bar(NamedTuple):
    """The raw prices of one session in cents."""

    open_cents: int
    high_cents: int
    low_cents: int
    close_cents: int


class DividendEvent(NamedTuple):
    """USD per share after any split of the same day, and how many sessions after the ex-date it is paid."""

    usd_per_share: float
    pay_sessions: int


@dataclass(frozen=True)
class NightEvents:
    """What happens between the previous close and the open, by the symbol of the session before."""

    session: date
    days: int = 1  # calendar days since the session before
    interest_rate: float = 0.0  # yearly, on cash
    last_cents: Mapping[str, int] = field(default_factory=dict)  # last known closes before the night
    renames: Mapping[str, str] = field(default_factory=dict)  # the symbol in the session, where it is another
    splits: Mapping[str, float] = field(default_factory=dict)  # new shares per old one
    dividends: Mapping[str, DividendEvent] = field(default_factory=dict)
    closings: Mapping[str, float | None] = field(default_factory=dict)  # USD per share; None: the last price


class Market(Protocol):
    """Stored sessions of a market. Every answer about a session is what was known at its close."""

    def last_session(self) -> date | None:
        """Return the last session whose bars are stored; None without any."""
        ...

    def night(self, session: date, symbols: Collection[str]) -> NightEvents:
        """Return the events before the session's open that concern these symbols of the session before."""
        ...

    def bar(self, session: date, symbol: str) -> Bar | None:
        """Return the session's bar; None if the symbol did not trade."""
        ...

    def last_cents(self, session: date, symbol: str) -> int:
        """Return the last close known at the session's close, per share of that session."""
        ...

    def is_known(self, session: date, symbol: str) -> bool:
        """Return whether the symbol is, or was, listed."""
        ...

    def has_ended(self, session: date, symbol: str) -> bool:
        """Return whether the listing has ended."""
        ...

    def cost_cents(self, session: date, symbol: str, shares: int, price_cents: int, *, is_sale: bool) -> int:
        """Return the cost of a fill in the session, by what was known at the close of the session before."""
        ...
