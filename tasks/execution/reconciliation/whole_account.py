"""Differences of the account as a whole: cash, orders of others, short positions, a jump of the equity. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tasks.execution.brokers.base import BrokerAccount, BrokerOrder, BrokerPosition
from tasks.execution.reconciliation.corporate import Situation, carried_by_us
from tasks.execution.reconciliation.identity import EXPLAINED, cents_of, difference_id
from tasks.execution.reconciliation.positions import Transit
from tasks.execution.reconciliation.schema import Books, Difference
from tasks.ledger.balance import balance_of
from tasks.ledger.entries import Entry

EQUITY_JUMP = Fraction(5, 100)  # of equity: more than prices of two moments differ (3 to 90 bps were seen)
Positions = Mapping[str, BrokerPosition]


def cash_difference(
    cents: int, stated: int, transit: Transit, own: Sequence[Entry], now: Situation
) -> tuple[Difference, ...]:
    """Return the cash that nothing explains. `stated`: of activities that a person must book, named there."""
    if transit.explains(cents) or transit.explains(cents - stated):
        return ()
    rest = cents - stated - transit.exact
    about = difference_id("cash", rest)
    times = sum(entry.source.startswith(f"{EXPLAINED}{about}:") for entry in own)
    proposal = Entry("correction", f"{EXPLAINED}{about}:{times}", now.today, now.at, cash_cents=rest)
    sentence = (
        f"The broker's cash differs from the ledger by {rest / 100:+,.2f} USD, and nothing explains it."
    )
    return (Difference(about, "unknown", "", Decimal(0), rest, sentence, "all", proposal=proposal),)


def never_flat(
    names: tuple[Difference, ...], positions: Positions, entries: tuple[Entry, ...]
) -> tuple[Difference, ...]:
    """Replace the vanished positions by one difference that blocks all if the broker shows no position at all."""
    gone = [item for item in names if item.kind == "vanished_position"]
    if any(position.shares for position in positions.values()) or not gone or not expected_shares(entries):
        return names
    sentence = f"The broker shows no position, the ledger {len(gone)}: an empty answer is not taken as a flat account."
    empty = Difference(difference_id("no positions"), "unknown", "", Decimal(0), 0, sentence, "all")
    return (*(item for item in names if item not in gone), empty)


def foreign_order_differences(books: Books, open_orders: Sequence[BrokerOrder]) -> tuple[Difference, ...]:
    """Return the open orders that are not ours, or that the home takes for closed: ours in the same name wait."""
    ours = {order.order_id for order in books.orders}
    found = []
    for order in open_orders:
        if order.order_id in ours:
            continue
        is_closed_here = order.order_id in books.order_ids
        whose = "Our order, closed in the journal," if is_closed_here else "An order that is not ours"
        rest = order.shares - order.filled_shares
        sentence = f"{whose} is open at the broker: {order.side} {rest:f} {order.symbol} ({order.order_id})."
        found.append(
            Difference(
                difference_id("open order", order.order_id),
                "fill" if is_closed_here else "manual_trade",
                order.symbol,
                Decimal(0),
                0,
                sentence,
                "name",
                is_waiting=True,
            )
        )
    return tuple(found)


def short_positions(entries: tuple[Entry, ...]) -> tuple[Difference, ...]:
    """Return the short positions of the ledger: a portfolio is long-only, and a person closes them at the broker."""
    return tuple(
        Difference(
            difference_id("short", symbol),
            "unknown",
            symbol,
            shares,
            0,
            f"The ledger has a short position: {shares:f} {symbol}. Close it at the broker.",
            "all",
        )
        for symbol, shares in balance_of(entries).shares.items()
        if shares < 0
    )


def equity_jump(
    account: BrokerAccount, positions: Positions, prices: Mapping[str, Decimal]
) -> tuple[Difference, ...]:
    """Return a difference if the equity of record is far from the broker's own cash and positions at last prices."""
    held = {position.symbol: position.shares for position in positions.values() if position.shares}
    if any(symbol not in prices for symbol in held):
        return ()
    valued = account.cash_cents + sum(cents_of(shares, prices[symbol]) for symbol, shares in held.items())
    jump = account.equity_cents - valued
    if abs(jump) <= EQUITY_JUMP * abs(valued):
        return ()
    sentence = (
        f"The broker's equity is {account.equity_cents / 100:,.2f} USD; its cash and positions at last prices are "
        f"{valued / 100:,.2f} USD."
    )
    return (Difference(difference_id("equity"), "unknown", "", Decimal(0), jump, sentence, "all"),)


def expected_shares(entries: tuple[Entry, ...]) -> dict[str, Decimal]:
    """Return the shares that the broker should show: the ledger's, without what is carried by us."""
    held = dict(balance_of(entries).shares)
    for symbol, shares in carried_by_us(entries)[0].items():
        held[symbol] = held.get(symbol, Decimal(0)) - shares
    return {symbol: shares for symbol, shares in held.items() if shares}


def share_gaps(entries: tuple[Entry, ...], positions: Positions) -> dict[str, Decimal]:
    """Return by how many shares the broker has more than the ledger expects, by name."""
    held = expected_shares(entries)
    shown = {symbol: position.shares for symbol, position in positions.items()}
    found = {
        symbol: shown.get(symbol, Decimal(0)) - held.get(symbol, Decimal(0))
        for symbol in held.keys() | shown.keys()
    }
    return {symbol: gap for symbol, gap in found.items() if gap}


def opened_on(entries: Iterable[Entry]) -> date:
    """Return the session of the opening."""
    return max((entry.session for entry in entries if entry.kind == "opening"), default=date.min)
