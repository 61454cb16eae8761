"""Decide shares and limit price of an order from what the broker states now. Pure; never above what is approved.

Buys are sized by the function of the backtest, with the cash that is really there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

import numpy as np

from tasks.approval.schema import Line
from tasks.execution.brokers.base import BrokerOrder
from tasks.execution.checks import Facts
from tasks.execution.schema import AT_BROKER, Tracked
from tasks.trades.fills import Cents, Orders, Shares, fill_orders

CENT, SUB_DOLLAR_STEP = Decimal("0.01"), Decimal("0.0001")
NOTHING = Decimal(0)


class OrderCosts(Protocol):
    """Return the costs in cents, by line, of trading these shares at these prices; fewer shares never cost more."""

    def __call__(
        self, symbols: Sequence[str], shares: Shares, price_cents: Cents, *, is_sale: bool
    ) -> Cents: ...


def approved_shares(line: Line) -> int:
    """Return the most whole shares that may be ordered."""
    return int(Decimal(line.shares))


def approved_usd(line: Line) -> Decimal:
    """Return the most that a buy may cost, without fees: the approved shares at the price of the decision."""
    return approved_shares(line) * Decimal(line.price)


def shares_in_amount(line: Line, price: Decimal) -> int:
    """Return the most whole shares that the approved amount pays for at the price; never above what is approved."""
    return min(approved_shares(line), int(approved_usd(line) * 100 // _cents(price)))


def least_shares(line: Line) -> int:
    """Return the fewest shares that are worth an order: at least one."""
    return max(int(Decimal(line.least_shares).to_integral_value(ROUND_CEILING)), 1)


def outside_band(line: Line, facts: Facts) -> str:
    """Return why the line is void at the current price; "" if it is not, or has no price."""
    quote = facts.quotes.get(line.symbol)
    if quote is None or Decimal(line.lowest_price) <= quote.price <= Decimal(line.highest_price):
        return ""
    return f"its price of {quote.price} left the approved band of {line.lowest_price} to {line.highest_price}"


def foreign_orders(facts: Facts, ours: Collection[str]) -> tuple[BrokerOrder, ...]:
    """Return the open orders that are not of this execution: by hand, by another tool, or of an earlier day."""
    return tuple(order for order in facts.open_orders if order.order_id not in ours)


def sellable_shares(line: Line, facts: Facts, ours: Collection[str]) -> int:
    """Return how many of the approved shares are held and not for sale by somebody else's open order."""
    held = facts.positions[line.symbol].shares if line.symbol in facts.positions else NOTHING
    offered = sum(
        (
            order.shares - order.filled_shares
            for order in foreign_orders(facts, ours)
            if order.symbol == line.symbol and order.side == "SELL"
        ),
        NOTHING,
    )
    return max(min(approved_shares(line), int((held - offered).to_integral_value(ROUND_FLOOR))), 0)


def limit_price(line: Line, price: Decimal, collar: Decimal) -> Decimal:
    """Return the price plus (for a sale minus) the collar, within the approved band, on a step of the exchange."""
    step = CENT if price >= 1 else SUB_DOLLAR_STEP
    if line.side == "BUY":
        return min(price * (1 + collar), Decimal(line.highest_price)).quantize(step, ROUND_FLOOR)
    return max(price * (1 - collar), Decimal(line.lowest_price)).quantize(step, ROUND_CEILING)


def cash_at_quotes(cash_cents: int, collar: Decimal) -> int:
    """Return how much may be bought at the quotes so that the cash still suffices if prices rise by the collar."""
    return int((max(cash_cents, 0) / (1 + collar)).to_integral_value(ROUND_FLOOR))


def size_buys(
    lines: Mapping[int, Line], prices: Mapping[int, Decimal], cash_cents: int, costs: OrderCosts
) -> dict[int, int]:
    """Return the shares of each line (by row) that the cash pays for, costs included; a line without a price has none.

    Approved shares and amounts are upper bounds; if the cash is short, all lines shrink by one factor.
    """
    rows = [row for row in lines if row in prices]
    if not rows:
        return {}
    symbols = [lines[row].symbol for row in rows]
    approved = _counts(approved_shares(lines[row]) for row in rows)
    price_cents = _counts(_cents(prices[row]) for row in rows)
    nothing = np.zeros(len(rows), dtype=np.int64)
    ceiling = _counts(int((approved_usd(lines[row]) * 100).to_integral_value(ROUND_FLOOR)) for row in rows)
    fills, _ = fill_orders(
        Orders(nothing, approved, ceiling),
        held=nothing,
        cash_cents=cash_cents,
        price_cents=price_cents,
        has_ended=np.zeros(len(rows), dtype=np.bool_),
        costs=lambda shares, *, is_sale: costs(symbols, shares, price_cents, is_sale=is_sale),
    )
    return {row: int(shares) for row, shares in zip(rows, fills.buys, strict=True)}


def fits_in(
    shares: Mapping[int, int],
    lines: Mapping[int, Line],
    prices: Mapping[int, Decimal],
    cash_cents: int,
    costs: OrderCosts,
) -> bool:
    """Return whether buying these shares, by row, costs at most the cash, and no line more than was approved."""
    rows = list(shares)
    counts, price_cents = _counts(shares.values()), _counts(_cents(prices[row]) for row in rows)
    fees = costs([lines[row].symbol for row in rows], counts, price_cents, is_sale=False)
    spent = sum(int(count) * int(price) for count, price in zip(counts, price_cents, strict=True))
    return spent + int(fees.sum()) <= cash_cents and all(
        shares[row] <= approved_shares(lines[row])
        and shares[row] * _cents(prices[row]) <= approved_usd(lines[row]) * 100
        for row in rows
    )


def spendable_cents(orders: Iterable[Tracked], filled: Mapping[str, Decimal], facts: Facts) -> int:
    """Return the cash that no open order claims: the lower of the broker's and the ledger's, less every open buy."""
    known = {tracked.order.order_id: tracked for tracked in orders}
    claims = [
        (tracked.order.symbol, tracked.order.shares - filled.get(name, NOTHING), tracked.order.limit_price)
        for name, tracked in known.items()
        if tracked.state in AT_BROKER and not tracked.order.is_sale
    ]
    claims += [
        (order.symbol, order.shares - order.filled_shares, None)
        for order in foreign_orders(facts, known)
        if order.side == "BUY"
    ]
    return min(facts.account.cash_cents, facts.ledger_cash_cents) - sum(
        _claim_cents(symbol, shares, limit, facts) for symbol, shares, limit in claims
    )


def _claim_cents(symbol: str, shares: Decimal, limit: Decimal | None, facts: Facts) -> int:
    quote = facts.quotes.get(symbol)
    if quote is None and limit is None:  # nobody can state what it will cost: all of the cash
        return max(facts.account.cash_cents, 0)
    price = max(limit or NOTHING, quote.price if quote else NOTHING)
    return int((max(shares, NOTHING) * price * 100).to_integral_value(ROUND_CEILING))


def _cents(price: Decimal) -> int:
    return int((price * 100).to_integral_value(ROUND_CEILING))


def _counts(values: Iterable[int]) -> Shares:
    return np.array(list(values), dtype=np.int64)
