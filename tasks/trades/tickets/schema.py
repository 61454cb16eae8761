"""The output of the tickets package: why each trade of the day has its size, and how firm it is."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Cause = Literal["score", "drift", "risk", "regime", "constraints", "cash", "cost"]
CAUSES: tuple[Cause, ...] = get_args(Cause)


@dataclass(frozen=True)
class Part:
    """The part of a trade that one cause explains, in signed cents: positive buys, negative sells."""

    cause: Cause
    usd_cents: int


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to the score, in units of the score; `previous`: on the session compared with."""

    feature: str
    value: float
    previous: float | None = None


@dataclass(frozen=True)
class Survival:
    """In how many of the reruns with resampled returns and small noise the trade persists."""

    persisted: int
    runs: int


@dataclass(frozen=True)
class Ticket:
    """One trade explained. The parts, one for each of CAUSES in their order, sum to its signed notional in cents."""

    symbol: str
    parts: tuple[Part, ...]
    contributions: tuple[Contribution, ...] = ()  # largest first; empty for a rule and a kind without them
    survival: Survival | None = None
    is_fragile: bool = False

    @property
    def usd_cents(self) -> int:
        """The signed notional."""
        return sum(part.usd_cents for part in self.parts)


@dataclass(frozen=True)
class Tickets:
    """The tickets in the order of the trades. Empty if the day could not be explained: a note states the reason."""

    compared_with: date | None  # the last published session; None: there is none that can be compared
    tickets: tuple[Ticket, ...]
    notes: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()  # names that could not be bought: the next day is compared with them

    def of(self, symbol: str) -> Ticket | None:
        """Return the ticket of a trade; None if it was not explained."""
        return next((ticket for ticket in self.tickets if ticket.symbol == symbol), None)
