"""Value the current portfolio: shares adjusted to the session and priced at the last raw close, plus cash.

A holding that did not trade on the session is valued at its last known price and may only be sold. Never estimates a
price. Refuses a portfolio without positive equity.
"""

import math
from collections.abc import Iterable
from datetime import date

import pandas as pd

from tasks.core.errors import SafetyError
from tasks.ledger.balance import NameCash
from tasks.portfolio.arrays import equity_of
from tasks.portfolio.holdings.events import Events, symbol_today
from tasks.portfolio.holdings.positions import Position, Positions, carry
from tasks.portfolio.schema import Book, Holding


def value_book(held: Positions, assets: pd.DataFrame, *, session: date, events: Events) -> Book:
    """Return the portfolio after the session's close. `assets` is the frame of tasks/portfolio/quotes.py.

    Raises SafetyError when a holding has no price at all, is dated later than the session, or equity is not positive.
    """
    before = [position for position in held.positions if position.shares > 0]
    carried = [_carried(position, session, events) for position in before]
    _refuse_duplicates_after_rename(carried)
    holdings = tuple(_holding(position, assets) for position in carried)
    cash_usd = math.floor(round(held.cash_usd * 100, 4)) / 100  # whole cents; a fraction cannot be spent
    equity_usd = equity_of(cash_usd, (holding.value_usd for holding in holdings))
    if not (math.isfinite(equity_usd) and equity_usd > 0):
        raise SafetyError(
            f"The portfolio is worth {equity_usd:,.2f} USD on {session}: positions cannot be sized.",
            remedy="Compare the positions file with the broker's statement, and correct it.",
            equity_usd=equity_usd,
        )
    return Book(
        session,
        holdings,
        cash_usd,
        equity_usd,
        tuple(_notes(before, carried)),
        held.sha256,
        held.net_flows_usd,
        held.receivable_usd,
        _names(held, before, carried, session),
    )


def _names(
    held: Positions, before: Iterable[Position], after: Iterable[Position], session: date
) -> NameCash | None:
    """Return the cash of each name, under the symbols of the session: the ledger books a symbol change later."""
    pairs = zip(before, after, strict=True)
    changes = {old.symbol: new.symbol for old, new in pairs if old.symbol != new.symbol}
    return None if held.names is None else held.names.renamed(session, changes)


def is_priced(held: Positions, assets: pd.DataFrame, *, session: date, events: Events) -> bool:
    """Return whether every holding has a price under its current symbol."""
    return all(
        symbol_today(position.symbol, position.session or session, events.companies) in assets.index
        for position in held.positions
        if position.shares > 0
    )


def _carried(position: Position, session: date, events: Events) -> Position:
    if position.session is not None and position.session > session:
        raise SafetyError(
            f"{position.symbol} is held as of {position.session}, after the requested session {session}.",
            remedy="Choose a later --date, or use a separate home for past dates.",
            symbol=position.symbol,
        )
    symbol = symbol_today(position.symbol, position.session or session, events.companies)
    return carry(position, session, symbol=symbol, splits=events.splits)


def _refuse_duplicates_after_rename(carried: list[Position]) -> None:
    symbols = [position.symbol for position in carried]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise SafetyError(
                f"Two lines of the positions file have become {symbol} through a symbol change.",
                remedy="Merge them into one line.",
                symbol=symbol,
            )


def _holding(position: Position, assets: pd.DataFrame) -> Holding:
    if position.symbol not in assets.index:
        raise SafetyError(
            f"{position.symbol} is held, and the lake has never had a price for it.",
            remedy="Correct the symbol in the positions file, or remove the line.",
            symbol=position.symbol,
        )
    asset = assets.loc[position.symbol]
    return Holding(position.symbol, position.shares, float(str(asset["price"])), bool(asset["has_quote"]))


def _notes(before: Iterable[Position], after: Iterable[Position]) -> Iterable[str]:
    for old, new in zip(before, after, strict=True):
        if old.symbol != new.symbol:
            yield f"{old.symbol} is now {new.symbol}."
        if old.shares != new.shares:
            yield f"{new.symbol}: {old.shares:g} shares became {new.shares:g} through a split."
