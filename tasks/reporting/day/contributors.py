"""What each name contributed to the change of the account over a period, in cents; the parts sum to it. Pure.

A name's worth is the value of its shares plus all cash and receivables that it brought since the ledger began: paid for
purchases, received from sales and dividends, fees included. What it contributed is the change of its worth. What is no
name's is interest, fees of the account and rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.ledger.balance import NameCash
from tasks.portfolio.schema import Book

Worth = Mapping[str, int]  # cents by symbol, of all names that were ever held


@dataclass(frozen=True)
class Contributors:
    """The contributions of all names, largest first, and of what is no name's; in all `cents`."""

    names: tuple[tuple[str, int], ...]
    other_cents: int
    cents: int


def worth_of(book: Book) -> Worth | None:
    """Return each name's worth; None where shares are held without a ledger."""
    if book.names is None:
        return None
    worth = dict(book.names.cents)
    for holding in book.holdings:
        worth[holding.symbol] = worth.get(holding.symbol, 0) + round(100 * holding.value_usd)
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
    ranked = sorted(((name, cents) for name, cents in changes.items() if cents), key=lambda one: -one[1])
    return Contributors(tuple(ranked), change_cents - sum(changes.values()), change_cents)


def _symbol_since(session: date, symbol: str, names: NameCash) -> str:
    for day, old, new in names.renames:
        if day > session and old == symbol:
            symbol = new
    return symbol
