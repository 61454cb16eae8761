"""Brokers for the contract suite: each venue is one account whose market a test can let happen.

A new broker is one more `Venue` in VENUES: an account that holds 100 shares of HELD and 10,000.00 USD, and takes orders
of the decision session D.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest

from tasks.core.homes.home import Home
from tasks.execution.brokers.alpaca import broker
from tasks.execution.brokers.base import Broker, Quote
from tasks.execution.brokers.manual.broker import ManualBroker, begin_manual_account
from tasks.execution.brokers.manual.entries import Entered, Ticket
from tasks.execution.brokers.manual.filling import enter_fill
from tasks.execution.brokers.manual.store import Signed, tickets
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.paper.market import Bar, DividendEvent, NightEvents
from tasks.execution.schema import Order, Side
from tasks.ledger.database import opened
from tests.execution_alpaca import broker_of
from tests.homes import blank
from tests.servers.alpaca import KEYS
from tests.servers.alpaca_account import AlpacaAccount, instant
from tests.servers.alpaca_trading import AlpacaTradingServer
from tests.servers.base import serving
from tests.unit.execution.brokers.paper.markets import NEXT, Clock, D, F, LiteralMarket, account_at

HELD, OTHER, UNQUOTED, UNKNOWN = "HELD", "OTHER", "QUIET", "NOSUCH"
HELD_SHARES, CASH_CENTS = 100, 1_000_000
PRICE_CENTS = {HELD: 2_000, OTHER: 1_000}  # of every fill
MANY = 250  # orders, more than one page of any broker


class Venue(Protocol):
    """One account at one broker, and its market."""

    def connect(self) -> Broker:
        """Return a new object for the account, as after a restart."""
        ...

    def let_fill(self) -> None:
        """Let the market fill every open order in full, at PRICE_CENTS."""
        ...

    def let_cancel(self) -> None:
        """Let the broker carry out every request to cancel."""
        ...

    def let_time_pass(self) -> None:
        """Go on to the next session, with whatever the broker does by itself: dividends, splits, interest."""
        ...


class PaperVenue:
    """A paper account over literal bars; both sessions are stored, and the clock decides what is known."""

    def __init__(self, folder: Path) -> None:
        self.home = account_at(folder / "home", {HELD: HELD_SHARES}, CASH_CENTS)
        self.clock = Clock()
        self.clock.before_open(F)
        self.market = paper_market()

    def connect(self) -> Broker:
        return PaperBroker(self.home, self.market, self.clock, fill_session=F)

    def let_fill(self) -> None:
        self.clock.after_open(F)

    def let_cancel(self) -> None:
        pass

    def let_time_pass(self) -> None:
        self.clock.after_close(NEXT)


class ManualVenue:
    """A manual account: the test is the person who places the orders and enters what was filled."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(blank(folder / "home"))
        self.clock = Clock()
        self.clock.before_open(F)
        held = {HELD: Decimal(HELD_SHARES)}
        begin_manual_account(self.home, held, CASH_CENTS, session=D, at=self.clock())

    def connect(self) -> Broker:
        return ManualBroker(self.home, self._quotes, self.clock, account="U123", mode="paper")

    def let_fill(self) -> None:
        for ticket in self._open():
            price = Decimal(PRICE_CENTS[ticket.symbol]) / 100
            self._enter(ticket.order_id, Entered(ticket.left, price, fee_cents=35))

    def let_cancel(self) -> None:
        for ticket in self._open():
            if ticket.is_canceling:
                self._enter(ticket.order_id, Entered(0, Decimal(0)))

    def let_time_pass(self) -> None:
        self.clock.after_close(NEXT)

    def _open(self) -> list[Ticket]:
        with opened(self.home) as connection:
            return tickets(connection, is_open=True)

    def _enter(self, order_id: str, entered: Entered) -> None:
        signed = Signed("Jane Doe", "", self.clock())
        with opened(self.home) as connection:
            enter_fill(connection, D, order_id, entered, band_frac=0.1, signed=signed)

    def _quotes(self, symbols: Collection[str]) -> dict[str, Quote]:
        known = sorted(PRICE_CENTS.keys() & set(symbols))
        return {s: Quote(s, Decimal(PRICE_CENTS[s]) / 100, self.clock()) for s in known}


def paper_market() -> LiteralMarket:
    """Return three sessions: D, F, and one in which HELD splits and pays a dividend."""
    flat = {symbol: Bar(cents, cents + 50, cents - 50, cents) for symbol, cents in PRICE_CENTS.items()}
    split = {**flat, HELD: Bar(1_340, 1_350, 1_330, 1_340)}
    quiet = {UNQUOTED: Bar(500, 500, 500, 500)}  # known, without a bar since
    night = NightEvents(
        NEXT,
        days=1,
        interest_rate=0.05,
        last_cents=PRICE_CENTS,
        splits={HELD: 1.5},
        dividends={HELD: DividendEvent(0.25, 0), OTHER: DividendEvent(0.1, 15)},
    )
    return LiteralMarket({D - timedelta(days=1): quiet, D: flat, F: flat, NEXT: split}, {NEXT: night})


def order(
    name: str, symbol: str, side: Side, shares: int, *, session: date = D, limit: Decimal | None = None
) -> Order:
    """Return an order of D."""
    timing = "market" if limit is None else "limit"
    return Order(f"contract-{name}", session, 0, 0, symbol, side, shares, timing, limit)


def paper(folder: Path, _: ExitStack) -> Venue:
    return PaperVenue(folder)


class AlpacaVenue:
    """A paper account at a local Alpaca, before the open; the server's clock is the market's."""

    def __init__(self, stack: ExitStack) -> None:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in KEYS.items():
            patch.setenv(name, value)
        patch.setattr(broker, "PAGE", 100)  # listing 500 takes a second
        account = AlpacaAccount(
            instant(F, "08:00"),
            {symbol: Decimal(cents) / 100 for symbol, cents in PRICE_CENTS.items()} | {UNQUOTED: Decimal(5)},
            cash=Decimal(CASH_CENTS) / 100,
            positions={HELD: Decimal(HELD_SHARES)},
            unquoted={UNQUOTED},
            wash_trade_status=200,  # the contract sells and buys one symbol at a time
        )
        self.server = stack.enter_context(serving(AlpacaTradingServer(account)))

    def connect(self) -> Broker:
        return broker_of(self.server, is_ours=lambda client_id: client_id.startswith("contract-"))

    def let_fill(self) -> None:
        self.server.at(instant(F, "09:31"))

    def let_cancel(self) -> None:
        self.server.at(self.server.account.now)

    def let_time_pass(self) -> None:
        self.server.at(instant(NEXT, "10:00"))
        account = self.server.account
        if not any(row["activity_type"] == "DIV" for row in account.activities):
            account.book("DIV", "25.00", symbol=HELD, qty="100")
            account.book("SPLIT", "0", symbol=HELD, qty=str(account.positions[HELD] / 2))
            account.book("FEE", "-0.02")


def alpaca(_folder: Path, stack: ExitStack) -> Venue:
    return AlpacaVenue(stack)


def manual(folder: Path, _: ExitStack) -> Venue:
    return ManualVenue(folder)


VENUES: dict[str, Callable[[Path, ExitStack], Venue]] = {"alpaca": alpaca, "manual": manual, "paper": paper}
LOCAL = ("manual", "paper")  # those that keep the account on this machine, in a database of their own
