"""Everything the gates judge an order by, as values: what was approved, what the broker says now, what the home knows.

None means unknown, and a gate that needs an unknown fact fails. Money is whole cents, shares are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from math import ceil
from typing import NamedTuple, TypeVar

from tasks.approval.schema import Envelope, Line
from tasks.core.sessions import session_on
from tasks.execution.brokers.base import Asset, BrokerAccount, BrokerOrder, BrokerPosition, Quote
from tasks.execution.gates.limits import Limits
from tasks.execution.schema import AT_BROKER, Order, Side, State
from tasks.safety.kill_switch.switch_file import Switch
from tasks.safety.overrides import Override

Known = TypeVar("Known")

NOTHING = Decimal(0)


class UnknownFactError(Exception):
    """A fact that a gate needs is unknown."""


def known(fact: Known | None, what: str) -> Known:
    """Return the fact. Raises UnknownFactError if it is None."""
    if fact is None:
        raise UnknownFactError(f"not known: {what}")
    return fact


def cost_cents(shares: Decimal | int, price: Decimal) -> int:
    """Return shares × price in cents, rounded up."""
    return ceil(shares * price * 100)


@dataclass(frozen=True)
class ApprovedLine:
    """One approved trade with its bands."""

    symbol: str
    side: Side
    shares: int
    price: Decimal
    lowest_price: Decimal
    highest_price: Decimal
    least_shares: int


@dataclass(frozen=True)
class Terms:
    """What was approved. `lines` in the order of trades.csv."""

    session: date
    account: str
    mode: str
    is_demo: bool
    decided_at: datetime  # the close of the session
    expires_at: datetime
    equity_cents: int  # that the trades were sized by
    lines: tuple[ApprovedLine, ...]


def terms_of(envelope: Envelope) -> Terms:
    """Return the terms of an approval that was verified. Raises ValueError for a fraction of a share."""
    session = date.fromisoformat(envelope.session)
    decided_at = session_on(session).closes_at
    if decided_at is None:
        raise ValueError(f"{session} is not a session")
    return Terms(
        session=session,
        account=envelope.account,
        mode=envelope.mode,
        is_demo=envelope.demo,
        decided_at=decided_at,
        expires_at=datetime.fromisoformat(envelope.expires_at),
        equity_cents=int(Decimal(envelope.equity_usd) * 100),
        lines=tuple(map(approved_line, envelope.lines)),
    )


def approved_line(line: Line) -> ApprovedLine:
    """Return the line as numbers. Raises ValueError for a fraction of a share."""
    return ApprovedLine(
        symbol=line.symbol,
        side=line.side,
        shares=_whole(line.shares),
        price=Decimal(line.price),
        lowest_price=Decimal(line.lowest_price),
        highest_price=Decimal(line.highest_price),
        least_shares=_whole(line.least_shares),
    )


class Pending(NamedTuple):
    """An order other than this one that may still fill."""

    order_id: str
    symbol: str
    is_sale: bool
    shares: Decimal  # that may still fill


@dataclass(frozen=True)
class Truth:
    """What the broker says now."""

    at: datetime | None  # its clock
    account: BrokerAccount | None
    positions: Mapping[str, BrokerPosition] | None
    open_orders: tuple[BrokerOrder, ...] | None  # of anybody
    assets: Mapping[str, Asset] | None
    quotes: Mapping[str, Quote] | None

    @cached_property
    def pending(self) -> tuple[Pending, ...]:
        """The open orders that may still fill."""
        return tuple(
            Pending(one.order_id, one.symbol, one.side == "SELL", one.shares - one.filled_shares)
            for one in known(self.open_orders, "which orders are open")
        )

    @cached_property
    def open_ids(self) -> frozenset[str]:
        return frozenset(one.order_id for one in self.pending)


@dataclass(frozen=True)
class Placed:
    """An order of ours for this account and session, of any run, and its fills so far."""

    order: Order
    state: State
    filled_shares: int


@dataclass(frozen=True)
class Today:
    """What was traded in the fill session so far, by all runs and by hand."""

    buys_cents: int
    sales_cents: int
    bought: Mapping[str, Decimal]  # shares, by symbol
    orders: int  # requests to place an order that may have left


@dataclass(frozen=True)
class Books:
    """What the home knows."""

    switch: Switch | None
    is_reconciled: bool | None  # the broker's positions and cash were explained since the execution began
    shares: Mapping[str, Decimal] | None  # of the ledger
    cash_cents: int | None  # of the ledger
    locks: Mapping[str, str] | None  # why a symbol is locked; "": every symbol
    placed: tuple[Placed, ...] | None
    first_intent_at: datetime | None  # None: none yet
    today: Today | None
    overrides: tuple[Override, ...] | None
    sectors: Mapping[str, str] | None  # a symbol without one: sector unknown
    strategy: str | None  # the champion's name
    state: str | None  # of the market, on the decision session
    exposure_cap: Decimal | None  # fraction of equity that may be invested, on the decision session
    sessions_since_promotion: int | None  # `promotions.NEVER` if no champion was ever replaced
    name_sessions: Mapping[str, int] | None  # recent sessions in which a symbol was traded


@dataclass(frozen=True)
class Window:
    """The session in which the orders trade, and until when they may be sent.

    `ends_at` is the close, or later at a broker that fills from bars that are known afterwards.
    """

    session: date
    opens_at: datetime
    closes_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Facts:
    """The facts about one order, or, with `orders` alone, about everything that is about to be sent."""

    at: datetime  # this machine's clock
    broker: str
    live_account: str  # AFTERCLOSE_LIVE_ACCOUNT, "" if it is not set
    terms: Terms
    window: Window
    limits: Limits
    truth: Truth
    books: Books
    orders: tuple[Order, ...] = ()
    one: Order | None = None
    takes_at: datetime | None = None  # the earliest time at which the broker accepts `one`

    @cached_property
    def order(self) -> Order:
        return known(self.one, "the order")

    @cached_property
    def line(self) -> ApprovedLine:
        """The approved line of the order, by its row. Raises UnknownFactError if no line has that row."""
        lines, row = self.terms.lines, self.order.row
        return known(lines[row] if 0 <= row < len(lines) else None, f"approved line {row}")

    @cached_property
    def account(self) -> BrokerAccount:
        return known(self.truth.account, "the account")

    @cached_property
    def now(self) -> datetime:
        return known(self.truth.at, "the broker's clock")

    @property
    def decided_at(self) -> datetime:
        return self.terms.decided_at

    @cached_property
    def today(self) -> Today:
        return known(self.books.today, "what was traded today")

    @cached_property
    def quote(self) -> Quote:
        symbol = self.order.symbol
        return known(known(self.truth.quotes, "the quotes").get(symbol), f"a quote for {symbol}")

    @cached_property
    def asset(self) -> Asset:
        symbol = self.order.symbol
        return known(known(self.truth.assets, "the assets").get(symbol), f"whether {symbol} can be traded")

    @cached_property
    def cost_cents(self) -> int:
        """What the order costs or brings: at the quote, a buy at its limit if that is higher."""
        order, price = self.order, self.quote.price
        if order.limit_price is not None and not order.is_sale:
            price = max(price, order.limit_price)
        return cost_cents(order.shares, price)

    @cached_property
    def pending(self) -> tuple[Pending, ...]:
        """Every other order that may still fill: open at the broker, of anybody, or sent by us and not confirmed."""
        own, shown = "" if self.one is None else self.one.order_id, self.truth.open_ids
        found = [one for one in self.truth.pending if one.order_id != own]
        for one in known(self.books.placed, "which orders were sent"):
            order = one.order
            if one.state in AT_BROKER and order.order_id not in shown and order.order_id != own:
                left = Decimal(order.shares - one.filled_shares)
                found.append(Pending(order.order_id, order.symbol, order.is_sale, left))
        return tuple(found)

    @cached_property
    def same_name(self) -> tuple[Pending, ...]:
        """The pending orders in the symbol of this one."""
        symbol = self.order.symbol
        return tuple(one for one in self.pending if one.symbol == symbol)

    @cached_property
    def pending_buys_cents(self) -> int:
        """The pending buys of all symbols at their quotes. Raises UnknownFactError for one without a quote."""
        shares: dict[str, Decimal] = {}
        for one in self.pending:
            if not one.is_sale:
                shares[one.symbol] = shares.get(one.symbol, NOTHING) + one.shares
        quotes = known(self.truth.quotes, "the quotes")
        return sum(
            cost_cents(count, known(quotes.get(symbol), f"a quote for {symbol}").price)
            for symbol, count in shares.items()
        )

    @cached_property
    def committed_shares(self) -> int:
        """The shares of the same approved line that other orders of ours have filled or may still fill."""
        row, own = self.order.row, self.order.order_id
        return sum(
            one.order.shares if one.state in AT_BROKER else one.filled_shares
            for one in known(self.books.placed, "which orders were sent")
            if one.order.row == row and one.order.order_id != own
        )

    @cached_property
    def active(self) -> tuple[Override, ...]:
        """The overrides that hold in the session in which the orders trade."""
        day = self.window.session
        return tuple(one for one in known(self.books.overrides, "the overrides") if one.is_active(day))

    @cached_property
    def sector(self) -> str:
        return known(self.books.sectors, "the sectors").get(self.order.symbol, "")

    def held(self, symbol: str) -> Decimal:
        """Return the shares that are certainly held: the lower of the broker's and the ledger's."""
        positions = known(self.truth.positions, "what is held at the broker")
        at_broker = positions[symbol].shares if symbol in positions else NOTHING
        return min(at_broker, known(self.books.shares, "what is held").get(symbol, NOTHING))


def _whole(text: str) -> int:
    number = Decimal(text)
    if number != int(number):
        raise ValueError(f"{text} is not a whole number of shares")
    return int(number)
