"""The embedded paper broker: fills orders from stored bars, at the costs that the backtest charges.

An order belongs to the session after its decision and fills when that session's bar is stored: market and at_open
orders at its open, at_close orders at its close, limit orders within its range. Sells fill before buys. Both phases
trade at the same open, as the backtest assumes: a buy that is submitted after the sells were filled, even after the
close of the session, still fills at that open, until the next session opens. This is the paper account's
simplification; at a real broker buys come later, at a cost. Whatever is unfilled at the session's close expires. A
split or a symbol change voids the orders that are open when it happens: they are canceled and must be submitted again.

The account never sells more than it holds, and never spends more than its cash. Proceeds may be spent at once and
settle one session later. Equity is cash and positions; dividends due are not in it.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

from tasks.core.errors import AftercloseError, BrokerError
from tasks.core.homes.home import Home
from tasks.core.sessions import exchange_date, session_after, session_on, sessions_ending
from tasks.core.text import dollars
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
from tasks.execution.brokers.paper import account as stored
from tasks.execution.brokers.paper.faults import NO_FAULTS, Faults
from tasks.execution.brokers.paper.fills import Stage
from tasks.execution.brokers.paper.market import Market
from tasks.execution.brokers.paper.processing import advance, fill_open_orders
from tasks.execution.schema import Order

CENTS = 100


class PaperBroker:
    """The paper account of a home. Two processes may use it at the same time.

    `clock` decides which stored sessions have opened and closed. `fill_session` is the session that the caller
    executes: once its bar is known, quotes are its open until the next session opens; otherwise they are last closes.
    """

    name = "paper"
    has_unique_ids = True

    def __init__(
        self,
        home: Home,
        market: Market,
        clock: Callable[[], datetime],
        *,
        fill_session: date | None = None,
        faults: Faults = NO_FAULTS,
    ) -> None:
        stored.check_paper_account(home)
        self._path: Path = home.paper_account
        self._market, self._clock, self._faults = market, clock, faults
        self._fill_session = fill_session

    def now(self) -> datetime:
        return self._clock()

    def account(self) -> BrokerAccount:
        with self._up_to_date() as connection:
            head = stored.head_of(connection)
            value = sum(
                shares * self._price_cents(head, symbol)
                for symbol, shares in stored.shares_of(connection).items()
            )
            unsettled = stored.proceeds_since(connection, self._last_settled_after())
        return BrokerAccount(
            account=head.name,
            mode="paper",
            cash_cents=head.cash_cents,
            settled_cash_cents=max(0, head.cash_cents - unsettled),
            equity_cents=head.cash_cents + value,
            only_closing=False,
            is_blocked=False,
            is_preliminary=False,
        )

    def positions(self) -> Mapping[str, BrokerPosition]:
        with self._up_to_date() as connection:
            held = stored.shares_of(connection)
        return {symbol: BrokerPosition(symbol, Decimal(shares)) for symbol, shares in held.items()}

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        with self._up_to_date() as connection:
            return tuple(order.as_broker_order() for order in stored.open_orders_of(connection))

    def order_ids(self, since: datetime) -> frozenset[str]:
        with self._up_to_date() as connection:
            return stored.order_ids_of(connection, since)

    def order(self, order_id: str) -> BrokerOrder | None:
        with self._up_to_date() as connection:
            found = stored.order_of(connection, order_id)
        return None if found is None else found.as_broker_order()

    def submit(self, order: Order) -> BrokerOrder:
        with self._up_to_date() as connection:
            with stored.changing(connection):
                self._refuse(connection, order)
                stored.add_order(connection, order, _limit_cents(order), self.now())
                head = stored.head_of(connection)
                if head.session == session_after(order.session):  # its bar is known
                    for stage in _stages_until(head.stage):
                        fill_open_orders(connection, self._market, stage, self._faults, only=order.order_id)
            return _found(stored.order_of(connection, order.order_id))

    def cancel(self, order_id: str) -> None:
        with self._up_to_date() as connection, stored.changing(connection):
            stored.end_order(connection, order_id, Status.CANCELED, "canceled on request")

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        with self._up_to_date() as connection:
            session = stored.head_of(connection).session
            return {
                symbol: self._asset(session, symbol)
                for symbol in symbols
                if self._market.is_known(session, symbol)
            }

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        with self._up_to_date() as connection:
            head = stored.head_of(connection)
            is_open = head.stage == "open" or head.session == self._fill_session
            session = session_on(head.session)
            at = session.opens_at if is_open else session.closes_at
            bars = {symbol: self._market.bar(head.session, symbol) for symbol in symbols}
        prices = {
            symbol: bar.open_cents if is_open else bar.close_cents for symbol, bar in bars.items() if bar
        }
        return {
            symbol: Quote(symbol, Decimal(cents) / CENTS, at or self.now())
            for symbol, cents in prices.items()
            if cents > 0
        }

    def activities(self, since: date) -> tuple[Activity, ...]:
        with self._up_to_date() as connection:
            return stored.activities_since(connection, since)

    def takes(self, order: Order, at: datetime) -> datetime:  # noqa: ARG002
        """Return `at`: the paper account takes orders at any time."""
        return at

    def post(self, activity: Activity) -> None:
        """Let something happen to the account that no order explains: a trade by hand, a deposit, a correction.

        For tests and drills. Raises BrokerError if it would leave negative cash or a short position.
        """
        with self._up_to_date() as connection:
            available = stored.head_of(connection).cash_cents
            if activity.cash_cents < 0 and available + activity.cash_cents < 0:
                raise BrokerError(
                    f"Only {dollars(available / 100)} is available in the paper account, not "
                    f"{dollars(-activity.cash_cents / 100)}. Nothing was booked.",
                    remedy="Choose an amount no larger than its cash.",
                )
            try:
                with stored.changing(connection):
                    stored.add_activities(connection, [activity])
                    stored.add_cash(connection, activity.cash_cents)
                    if activity.shares:
                        stored.add_shares(connection, activity.symbol, int(activity.shares))
            except sqlite3.IntegrityError as error:
                raise BrokerError(
                    f"The paper account does not allow {activity.activity_id}: {error}.",
                    remedy="Choose an unused id, and no more shares or cash than the account has.",
                ) from error

    @contextmanager
    def _up_to_date(self) -> Iterator[sqlite3.Connection]:
        """Process what the market has stored since, and yield the database. Failures are unanswered questions."""
        try:
            with stored.opened(self._path) as connection:
                while advance(connection, self._market, self.now(), self._faults):
                    pass
                yield connection
        except BrokerError:
            raise
        except (sqlite3.Error, AftercloseError) as error:
            what = error.what if isinstance(error, AftercloseError) else str(error)
            raise UnansweredError(
                f"The paper account cannot answer: {what}",
                remedy="Correct the cause and run again: the account stays as it is.",
            ) from error

    def _refuse(self, connection: sqlite3.Connection, order: Order) -> None:
        """Raise RefusedError for an order that the account cannot accept."""
        if stored.order_of(connection, order.order_id) is not None:
            raise RefusedError(
                f"The paper account already has an order {order.order_id}.",
                remedy="Look it up by its id.",
                code="duplicate",
                duplicate=True,
            )
        fill_session = session_after(order.session)
        next_open = session_on(session_after(fill_session)).opens_at
        head = stored.head_of(connection)
        if fill_session < head.session or (next_open is not None and self.now() >= next_open):
            raise _refused(order, f"its session, {fill_session}, is over", "session")
        if order.shares <= 0 or (order.timing == "limit") != (order.limit_price is not None):
            raise _refused(order, "its shares or its limit are not valid", "invalid")
        if not self._market.is_known(head.session, order.symbol):
            raise _refused(order, "the symbol is not known", "symbol")
        if self._faults.refuse(order.order_id):
            raise _refused(order, "a fault is switched on", "fault")
        if order.is_sale:
            others = sum(
                other.left
                for other in stored.open_orders_of(connection)
                if other.side == "SELL" and other.symbol == order.symbol
            )
            held = stored.shares_of(connection).get(order.symbol, 0)
            if order.shares + others > held:
                raise _refused(
                    order, f"{held} shares are held, of which {others} are in open sell orders", "shares"
                )

    def _asset(self, session: date, symbol: str) -> Asset:
        if self._market.has_ended(session, symbol):
            return Asset(symbol, is_tradable=False, is_halted=False, reason="the listing has ended")
        is_halted = self._faults.halted(symbol, session)
        return Asset(symbol, is_tradable=True, is_halted=is_halted, reason="halted" if is_halted else "")

    def _price_cents(self, head: stored.Head, symbol: str) -> int:
        bar = self._market.bar(head.session, symbol) if head.stage == "open" else None
        return bar.open_cents if bar else self._market.last_cents(head.session, symbol)

    def _last_settled_after(self) -> date:
        """Return the first session whose proceeds are not settled today: they settle on the session after it."""
        today = exchange_date(self.now())
        last: date = sessions_ending(today, 1)[-1].item()
        return last


def _stages_until(stage: Stage) -> tuple[Stage, ...]:
    return ("open",) if stage == "open" else ("open", "close")


def _limit_cents(order: Order) -> int:
    """Return the limit in whole cents: a buy never pays more, a sale never gets less."""
    if order.limit_price is None:
        return 0
    rounding = ROUND_CEILING if order.is_sale else ROUND_FLOOR
    return int((order.limit_price * CENTS).to_integral_value(rounding))


def _refused(order: Order, why: str, code: str) -> RefusedError:
    return RefusedError(
        f"The paper account refuses to {order.side.lower()} {order.shares} {order.symbol}: {why}.",
        remedy="Nothing was ordered; check the order.",
        code=code,
    )


def _found(order: stored.StoredOrder | None) -> BrokerOrder:
    if order is None:
        raise UnansweredError("The paper account has lost an order.", remedy="Restore it from a backup.")
    return order.as_broker_order()
