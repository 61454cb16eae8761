"""Fills that a person enters for a ticket, and how they may deviate from it. Pure.

Every deviation needs a reason: a price outside the ticket's band or beyond its limit, more shares than the ticket has,
fewer when it is closed. A partial fill is not a deviation as long as the rest may still come.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from tasks.core.errors import ConfigError
from tasks.execution.schema import Side

CENT = Decimal("0.01")
MOST_SHARES = 10**9
MOST_PRICE = Decimal(10) ** 7


@dataclass(frozen=True)
class Ticket:
    """An order that a person is to place, and what has been entered for it."""

    order_id: str
    session: date  # of the decision
    symbol: str
    side: Side
    shares: int
    limit_price: Decimal | None
    quote: Decimal | None  # when it was issued
    filled_shares: int = 0
    is_canceling: bool = False

    @property
    def left(self) -> int:
        return self.shares - self.filled_shares


@dataclass(frozen=True)
class Entered:
    """What a person enters: a number of shares and a price. 0 shares: nothing more was filled."""

    shares: int
    price: Decimal
    fee_cents: int = 0
    is_final: bool = False  # the rest of the ticket will not be filled

    @property
    def ends(self) -> bool:
        return self.is_final or self.shares == 0


def deviations(ticket: Ticket, entered: Entered, *, band_frac: float) -> tuple[str, ...]:
    """Return how the entry deviates from the ticket, in words; nothing if it does not."""
    found = []
    if entered.shares:
        found += _of_price(ticket, entered.price, Decimal(str(band_frac)))
    total = ticket.filled_shares + entered.shares
    if total > ticket.shares:
        found.append(f"{total} shares in total, the ticket has {ticket.shares}")
    if entered.ends and total < ticket.shares and not ticket.is_canceling:
        found.append(f"it is closed with {total} of {ticket.shares} shares")
    return tuple(found)


def refuse_unexplained(ticket: Ticket, found: Iterable[str], reason: str) -> None:
    """Raise ConfigError if there is a deviation and no reason for it."""
    listed = "; ".join(found)
    if listed and not reason.strip():
        raise ConfigError(
            f"{ticket.side} {ticket.symbol} deviates from its ticket: {listed}.",
            remedy="Check the entry, or give the reason with --reason TEXT. Nothing was entered.",
            symbol=ticket.symbol,
        )


def refuse_impossible(entered: Entered) -> None:
    """Raise ConfigError for numbers that no fill can have."""
    price_fits = 0 < entered.price <= MOST_PRICE or (entered.shares == 0 and entered.price == 0)
    if not (0 <= entered.shares <= MOST_SHARES and price_fits and entered.fee_cents >= 0):
        raise ConfigError(
            f"{entered.shares} shares at {entered.price}, fee {entered.fee_cents / 100:.2f} USD cannot be a fill.",
            remedy="Enter whole shares and a positive price; 0 shares at 0 if nothing more was filled.",
        )


def notional_cents(fills: Iterable[tuple[int, Decimal]]) -> int:
    """Return the sum of shares × price in cents, rounded once, half to even."""
    total = sum((shares * price for shares, price in fills), Decimal(0))
    return int(total.quantize(CENT, ROUND_HALF_EVEN) * 100)


def _of_price(ticket: Ticket, price: Decimal, band_frac: Decimal) -> list[str]:
    found = []
    if ticket.quote is not None and abs(price - ticket.quote) > band_frac * ticket.quote:
        found.append(f"a price of {price:f}, more than {band_frac * 100:f}% from {ticket.quote:f}")
    limit = ticket.limit_price
    if limit is not None and (price > limit if ticket.side == "BUY" else price < limit):
        found.append(f"a price of {price:f}, beyond the limit of {limit:f}")
    return found
