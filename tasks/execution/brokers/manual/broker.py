"""The broker `manual`: a person places the orders elsewhere and enters what was filled.

Submitting an order issues a ticket. The account is the last statement that a person declared (first the home's own
positions) with the fills entered for later sessions. Dividends, splits and other trades, which nobody enters, become
known only when a statement is declared. A cancellation is a request to the person, who confirms it with an entry.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tasks.core.errors import AftercloseError, BrokerError, SafetyError
from tasks.core.homes.home import Home
from tasks.execution.brokers.base import (
    Activity,
    Asset,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Quote,
    RefusedError,
    Status,
    UnansweredError,
)
from tasks.execution.brokers.manual import store
from tasks.execution.brokers.manual.store import Declared, Signed
from tasks.execution.schema import Order
from tasks.ledger.database import opened, transaction

Quotes = Callable[[Collection[str]], Mapping[str, Quote]]


def begin_manual_account(
    home: Home, shares: Mapping[str, Decimal], cash_cents: int, *, session: date, at: datetime
) -> bool:
    """Declare what is held after the close of the session, once; False if the account has a statement."""
    with opened(home) as connection:
        store.prepare(connection)
        with transaction(connection):
            if store.declared(connection) is not None:
                return False
            signed = Signed("", "the positions of the home", at)
            store.declare(connection, shares, cash_cents, session, signed)
    return True


def declare_manual_account(
    home: Home, shares: Mapping[str, Decimal], cash_cents: int, *, session: date, signed: Signed
) -> bool:
    """Declare what is held after the close of the session, in place of what was; False if no account has begun."""
    with opened(home) as connection:
        store.prepare(connection)
        with transaction(connection):
            if store.declared(connection) is None:
                return False
            store.declare(connection, shares, cash_cents, session, signed)
    return True


def post_to_manual_account(home: Home, flow: Activity) -> bool:
    """Enter a deposit or withdrawal once; False if no account has been declared.

    Raises BrokerError for a session that the last statement covers: its cash has the flow already.
    """
    with opened(home) as connection:
        store.prepare(connection)
        with transaction(connection):
            statement = store.declared(connection)
            if statement is None:
                return False
            if flow.session <= statement.session:
                raise BrokerError(
                    f"The account at the manual broker was declared as of {statement.session}: its cash already "
                    f"includes everything up to that date, so a {flow.kind} on {flow.session} cannot be added.",
                    remedy=f"Specify a session after {statement.session} with --date.",
                )
            if not store.has_source(connection, flow.activity_id):
                store.add_activity(connection, flow)
    return True


class ManualBroker:
    """The account of a person, as far as it has been entered. `quotes` gives the last known prices."""

    name = "manual"
    has_unique_ids = True

    def __init__(
        self,
        home: Home,
        quotes: Quotes,
        clock: Callable[[], datetime],
        *,
        account: str,
        mode: Literal["paper", "live"],
    ) -> None:
        self._home, self._quotes, self._clock = home, quotes, clock
        self._account, self._mode = account, mode
        with opened(home) as connection:
            store.prepare(connection)
            if store.declared(connection) is None:
                raise SafetyError(
                    "The account at the manual broker has not been declared.",
                    remedy="Run `afterclose execute --no-dry-run` once: "
                    "the account then begins with the positions of the home.",
                )

    def now(self) -> datetime:
        return self._clock()

    def account(self) -> BrokerAccount:
        with self._answering() as connection:
            shares, cash_cents = _holdings(connection)
        prices = self._quotes(shares)
        value = sum(
            round(count * prices[symbol].price * 100) for symbol, count in shares.items() if symbol in prices
        )
        return BrokerAccount(
            account=self._account,
            mode=self._mode,
            cash_cents=cash_cents,
            settled_cash_cents=max(0, cash_cents),  # nothing is known of settlement
            equity_cents=cash_cents + value,
            only_closing=False,
            is_blocked=False,
            is_preliminary=False,
        )

    def positions(self) -> Mapping[str, BrokerPosition]:
        with self._answering() as connection:
            shares, _ = _holdings(connection)
        return {symbol: BrokerPosition(symbol, count) for symbol, count in shares.items()}

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        with self._answering() as connection:
            return tuple(store.orders(connection))

    def order_ids(self, since: datetime) -> frozenset[str]:
        with self._answering() as connection:
            return store.order_ids(connection, since)

    def order(self, order_id: str) -> BrokerOrder | None:
        with self._answering() as connection:
            return next(iter(store.orders(connection, order_id=order_id)), None)

    def submit(self, order: Order) -> BrokerOrder:
        quote = self._quotes([order.symbol]).get(order.symbol)
        with self._answering() as connection, transaction(connection):
            if store.orders(connection, order_id=order.order_id):
                raise RefusedError(
                    f"A ticket {order.order_id} already exists.",
                    remedy="Look it up by its id.",
                    code="duplicate",
                    duplicate=True,
                )
            if order.shares <= 0 or (order.timing == "limit") != (order.limit_price is not None):
                raise RefusedError(
                    f"The order to {order.side.lower()} {order.shares} {order.symbol} is not valid.",
                    remedy="Nothing was ordered; check the order.",
                    code="invalid",
                )
            store.add_ticket(connection, order, None if quote is None else quote.price, self.now())
            return store.orders(connection, order_id=order.order_id)[0]

    def cancel(self, order_id: str) -> None:
        reason = "the person is asked to cancel it"
        with self._answering() as connection, transaction(connection):
            store.set_status(connection, order_id, Status.CANCELING, reason, among=(Status.OPEN,))

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        """Return the symbols that have a price: nothing else is known of them."""
        return {symbol: Asset(symbol, is_tradable=True, is_halted=False) for symbol in self._quotes(symbols)}

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        return self._quotes(symbols)

    def activities(self, since: date) -> tuple[Activity, ...]:
        with self._answering() as connection:
            return store.activities_since(connection, since)

    def takes(self, order: Order, at: datetime) -> datetime:  # noqa: ARG002
        """Return `at`: a ticket can be issued at any time."""
        return at

    @contextmanager
    def _answering(self) -> Iterator[sqlite3.Connection]:
        try:
            with opened(self._home) as connection:
                yield connection
        except BrokerError:
            raise
        except AftercloseError as error:
            raise UnansweredError(
                f"The manual account cannot answer: {error.what}", remedy=error.remedy
            ) from error


def _holdings(connection: sqlite3.Connection) -> tuple[dict[str, Decimal], int]:
    """Return shares and cash: the last statement, and the fills and other trades of later sessions."""
    statement = store.declared(connection) or Declared(date.min, 0, {})
    shares: Counter[str] = Counter()
    held: dict[str, Decimal] = dict(statement.shares)
    cash_cents = statement.cash_cents
    for symbol, side, count, cents, fee_cents in store.fills_after(connection, statement.session).values():
        sign = -1 if side == "SELL" else 1
        shares[symbol] += sign * count
        cash_cents -= sign * cents + fee_cents
    for activity in store.activities_since(connection, statement.session):
        if activity.session > statement.session:
            shares[activity.symbol] += int(activity.shares)
            cash_cents += activity.cash_cents
    for symbol, change in shares.items():
        held[symbol] = held.get(symbol, Decimal(0)) + change
    return {symbol: count for symbol, count in sorted(held.items()) if count}, cash_cents
