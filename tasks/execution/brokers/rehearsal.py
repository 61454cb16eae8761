"""Stand between an execution and its broker in a dry run: all questions are asked, no order is sent.

An order counts as filled at once at the broker's current price and without fees, so that the buys that would follow
are seen too.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from tasks.core.sessions import exchange_minute
from tasks.execution.brokers.base import (
    Activity,
    Asset,
    Broker,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Quote,
    RefusedError,
    Status,
)
from tasks.execution.schema import Order

WOULD = "would be sent"  # begins the reason of every order that passed the checks in a dry run


class Rehearsal:
    """A `Broker` that answers as `real` does, plus what the orders of this rehearsal would have changed."""

    def __init__(self, real: Broker, *, opens_at: datetime) -> None:
        """`opens_at`: of the session that the orders are for; buys at the market leave from then on."""
        self._real, self._opens_at = real, opens_at
        self._orders: dict[str, BrokerOrder] = {}

    @property
    def name(self) -> str:
        return self._real.name

    @property
    def has_unique_ids(self) -> bool:
        return self._real.has_unique_ids

    def now(self) -> datetime:
        return self._real.now()

    def account(self) -> BrokerAccount:
        found = self._real.account()
        brought = sum(
            one.filled_cents if one.side == "SELL" else -one.filled_cents for one in self._orders.values()
        )
        return replace(
            found,
            cash_cents=found.cash_cents + brought,
            settled_cash_cents=found.settled_cash_cents + brought,
        )

    def positions(self) -> Mapping[str, BrokerPosition]:
        held = {symbol: one.shares for symbol, one in self._real.positions().items()}
        for one in self._orders.values():
            change = -one.filled_shares if one.side == "SELL" else one.filled_shares
            held[one.symbol] = held.get(one.symbol, Decimal(0)) + change
        return {symbol: BrokerPosition(symbol, shares) for symbol, shares in held.items() if shares}

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        return self._real.open_orders()

    def order_ids(self, since: datetime) -> frozenset[str]:
        return self._real.order_ids(since) | self._orders.keys()

    def order(self, order_id: str) -> BrokerOrder | None:
        return self._orders.get(order_id) or self._real.order(order_id)

    def submit(self, order: Order) -> BrokerOrder:
        quote = self._real.quotes([order.symbol]).get(order.symbol)
        if quote is None:
            raise RefusedError(
                f"There is no current price of {order.symbol}.", remedy="Run again while the market is open."
            )
        cents = (order.shares * quote.price * 100).to_integral_value(ROUND_HALF_EVEN)
        at = self.now()
        takes = self._real.takes(order, at)
        if order.timing == "market" and not order.is_sale:
            takes = max(takes, self._opens_at)
        self._orders[order.order_id] = BrokerOrder(
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            shares=Decimal(order.shares),
            status=Status.FILLED,
            filled_shares=Decimal(order.shares),
            filled_cents=int(cents),
            fee_cents=0,
            submitted_at=at,
            reason=f"{WOULD} now" if takes <= at else f"{WOULD} from {exchange_minute(takes)}",
        )
        return self._orders[order.order_id]

    def cancel(self, order_id: str) -> None:
        """Do nothing."""

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        return self._real.assets(symbols)

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        return self._real.quotes(symbols)

    def activities(self, since: date) -> tuple[Activity, ...]:
        return self._real.activities(since)

    def takes(self, order: Order, at: datetime) -> datetime:  # noqa: ARG002
        return at
