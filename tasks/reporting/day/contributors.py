"""What each name contributed to the change in the account over a period, in cents; the parts sum to it. Pure.

A name's worth is its cumulative P&L: the value of its shares plus all cash and receivables attributable to it since the
ledger began (paid for buys, received from sells and dividends, fees included). What it contributed is the change
in its worth. Interest, account fees and rounding belong to no name: they are summed from the ledger too, so that a
change in the account that neither they nor the names explain is visible.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.ledger.balance import NameCash
from tasks.portfolio.schema import Book

Worth = Mapping[str, int]  # cents by symbol, of all names that were ever held, and of NO_NAME
NO_NAME = ""
ROUNDING_CENTS = 2  # the equity of either end is rounded to the cent


@dataclass(frozen=True)
class Contributors:
    """The contributions of all names, largest first, of no name, and what neither explains; in all `cents`."""

    names: tuple[tuple[str, int], ...]
    other_cents: int
    unexplained_cents: int
    cents: int


def worth_of(book: Book) -> Worth | None:
    """Return the cumulative P&L of each name; None where shares are held without a ledger."""
    if book.names is None:
        return None
    worth = dict(book.names.cents)
    total_cents = round(100 * math.fsum(holding.value_usd for holding in book.holdings))
    worth[NO_NAME] = worth.get(NO_NAME, 0) + total_cents
    for holding in book.holdings:
        cents = round(100 * holding.value_usd)
        worth[holding.symbol] = worth.get(holding.symbol, 0) + cents
        worth[NO_NAME] -= cents  # which leaves the rounding
    return dict(sorted(worth.items()))


def contributors_since(
    session: date, before: Worth | None, book: Book, *, change_cents: int
) -> Contributors | None:
    """Return what contributed to the change since a session; None where its worths, or today's, are not known.

    Those of a session before the ledger began with shares are not comparable: it does not know what they cost.
    """
    names, now = book.names, worth_of(book)
    if (
        before is None
        or NO_NAME not in before
        or names is None
        or now is None
        or (names.opened is not None and session < names.opened)
    ):
        return None
    earlier: dict[str, int] = {}
    for symbol, cents in before.items():
        today = _symbol_since(session, symbol, names)
        earlier[today] = earlier.get(today, 0) + cents
    changes = {name: now.get(name, 0) - earlier.get(name, 0) for name in sorted({*now, *earlier})}
    rest = change_cents - sum(changes.values())
    other = changes.pop(NO_NAME)
    if abs(rest) <= ROUNDING_CENTS:
        other, rest = other + rest, 0
    ranked = sorted(((name, cents) for name, cents in changes.items() if cents), key=lambda one: -one[1])
    return Contributors(tuple(ranked), other, rest, change_cents)


def _symbol_since(session: date, symbol: str, names: NameCash) -> str:
    for day in sorted({day for day, _, _ in names.renames if day > session}):
        symbol = {old: new for each, old, new in names.renames if each == day}.get(symbol, symbol)
    return symbol
