"""The bridge of one executed session, from the ledger, its orders and the stored bars of the session."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

import numpy as np

from tasks.approval.schema import Line as ApprovedLine
from tasks.execution.bookings import Booked
from tasks.execution.bridge.lines import Assumed, bridge_lines
from tasks.execution.bridge.steps import Step, bridge, by_cause, target_cents
from tasks.execution.deciding.sizing import OrderCosts
from tasks.execution.execution import Execution
from tasks.execution.reconciliation.corporate import carried_by_us
from tasks.execution.reconciliation.identity import CARRIED
from tasks.execution.schema import Tracked
from tasks.ledger.balance import Balance, balance_of
from tasks.ledger.entries import Entry
from tasks.trades.fills import Orders, fill_orders

CENTS_PER_USD = 100
NOTHING = Decimal(0)


class Prices(Protocol):
    """The stored bars of a session."""

    def open_cents(self, session: date, symbol: str) -> int:
        """Return the open; 0 if the symbol did not trade."""
        ...

    def last_cents(self, session: date, symbol: str) -> int:
        """Return the last close known at the session's close."""
        ...


def session_bridge(
    execution: Execution,
    orders: Sequence[Tracked],
    booked: Mapping[str, Booked],
    entries: Iterable[Entry],
    prices: Prices,
    costs: OrderCosts,
    *,
    broker_equity_cents: int,
    published: Sequence[ApprovedLine] | None = None,
) -> tuple[Step, ...]:
    """Return the bridge by stage and cause. `entries`: the whole ledger. The equity is that at the session's close.

    `published`: the trades before a person revised them; None if nobody did.

    `booked`: the totals booked for each order, which include fills that the broker restated. Entries for orders of
    another execution count like any other entry.
    """
    session, entries = execution.fill_session, tuple(entries)
    earlier = [entry for entry in entries if entry.session < session or _is_of_the_night(entry, session)]
    before = balance_of(earlier)
    of_session = [entry for entry in entries if entry.session == session]
    others = [
        entry for entry in of_session if entry.order_id not in booked and not _is_of_the_night(entry, session)
    ]
    at_open = balance_of((*earlier, *others))
    proposed = execution.lines if published is None else _with_added(published, execution.lines)
    symbols = {line.symbol for line in proposed} | set(before.shares)
    symbols |= {entry.symbol for entry in of_session if entry.symbol}
    closes = {symbol: _usd(prices.last_cents(session, symbol)) for symbol in symbols}
    opens = {line.symbol: prices.open_cents(session, line.symbol) for line in proposed}
    assumed = _assumed(proposed, opens, at_open, costs)
    lines = bridge_lines(
        proposed,
        execution.lines,
        orders,
        booked,
        assumed=assumed,
        sent_prices={symbol: _usd(cents) for symbol, cents in opens.items() if cents},
        closes=closes,
    )
    ignored, ignored_cents = carried_by_us(entry for entry in entries if entry.session <= session)
    before_cents = before.cash_cents - ignored_cents
    before_cents += sum(
        _cents((shares - ignored.get(symbol, NOTHING)) * closes[symbol])
        for symbol, shares in before.shares.items()
    )
    return by_cause(
        bridge(
            lines,
            others,
            closes,
            target_equity_cents=target_cents(before_cents, lines),
            broker_equity_cents=broker_equity_cents,
        )
    )


def _with_added(
    published: Sequence[ApprovedLine], approved: Sequence[ApprovedLine]
) -> tuple[ApprovedLine, ...]:
    """Return the published trades, and of names that a revision added a trade of no shares."""
    names = {line.symbol for line in published}
    added = (line.model_copy(update={"shares": "0"}) for line in approved if line.symbol not in names)
    return (*published, *added)


def _is_of_the_night(entry: Entry, session: date) -> bool:
    """Return whether the entry is in the target's equity: the session's prices are those after a split or a change of
    symbol, and what a paper account ignores (`carried_by_us`) is subtracted there.
    """
    is_carried = entry.source.startswith(CARRIED)
    return entry.session == session and (entry.kind in {"split", "rename"} or is_carried)


def _assumed(
    lines: Sequence[ApprovedLine],
    opens: Mapping[str, int],
    at_open: Balance,
    costs: OrderCosts,
) -> dict[str, Assumed]:
    """Return what the backtest would fill of the lines at the open, with its own function."""
    symbols = [line.symbol for line in lines]
    held = [at_open.shares.get(name, NOTHING) for name in symbols]
    shares = np.array([int(Decimal(line.shares)) for line in lines], dtype=np.int64)
    is_sale = np.array([line.side == "SELL" for line in lines], dtype=np.bool_)
    price_cents = np.array([opens[name] for name in symbols], dtype=np.int64)
    ceiling = np.array(
        [int(Decimal(line.shares) * Decimal(line.price) * CENTS_PER_USD) for line in lines], dtype=np.int64
    )
    fills, _ = fill_orders(
        Orders(np.where(is_sale, shares, 0), np.where(is_sale, 0, shares), np.where(is_sale, 0, ceiling)),
        held=np.array([int(count) for count in held], dtype=np.int64),
        cash_cents=at_open.cash_cents,
        price_cents=price_cents,
        has_ended=np.zeros(len(lines), dtype=np.bool_),
        costs=lambda traded, *, is_sale: costs(symbols, traded, price_cents, is_sale=is_sale),
    )
    return {
        name: Assumed(Decimal(int(buy) - int(sell)), _usd(int(price)), int(cost))
        for name, buy, sell, price, cost in zip(
            symbols, fills.buys, fills.sells, price_cents, fills.cost_cents, strict=True
        )
        if price
    }


def _usd(cents: int) -> Decimal:
    return Decimal(cents) / CENTS_PER_USD


def _cents(amount: Decimal) -> int:
    return round(amount * CENTS_PER_USD)
