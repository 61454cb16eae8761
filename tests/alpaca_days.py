"""Whole executions at the local Alpaca: the driver of orders, the real client, and a clock that only waiting moves."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tasks.execution.brokers.alpaca.broker import AlpacaBroker
from tests.execution_alpaca import SHORT_S, broker_of
from tests.execution_days import CASH, EVENING, HELD, LINES, PRICES, RULES, Clock, Day, make_day
from tests.servers.alpaca_account import AlpacaAccount
from tests.servers.alpaca_trading import AlpacaTradingServer
from tests.servers.base import serving

POLL = timedelta(minutes=10)  # of the injected clock: fewer questions, and so faster tests


class ServedClock(Clock):
    """Sets the server's time, too."""

    server: AlpacaTradingServer

    def wait_until(self, at: datetime) -> None:
        super().wait_until(at)
        self.server.at(self.at)


@dataclass
class Truth:
    """What the account really has."""

    cash_cents: int
    shares: dict[str, Decimal]


@dataclass
class AlpacaDay(Day):
    """One execution at the local Alpaca."""

    server: AlpacaTradingServer = field(kw_only=True)
    request_s: float = SHORT_S

    def broker(self) -> Any:
        broker = broker_of(self.server, is_ours=is_ours, request_s=self.request_s)
        broker.close = lambda: None
        return broker

    def truth(self) -> Any:
        account = self.server.account
        account.settle()
        return Truth(int(account.cash * 100), dict(account.positions))

    @property
    def sent(self) -> list[str]:
        """The orders that were really placed, as side and symbol, in this order."""
        placed = {order.client_order_id: order for order in self.server.account.orders}
        return [f"{placed[name].side} {placed[name].symbol}" for name in self.server.made]

    def assert_right(self) -> None:
        """No order twice, nothing short, no cash below zero, and the ledger is the account."""
        assert Counter(self.server.made).most_common(1)[0][1] == 1
        assert len({*self.sent}) == len(self.sent)
        assert all(shares > 0 for shares in self.server.account.positions.values())
        assert self.server.account.cash >= 0
        assert not [order for order in self.server.account.orders if order.is_open]
        self.assert_books_agree()


def is_ours(client_id: str) -> bool:
    return client_id.startswith("ac-")


@contextmanager
def alpaca_day(
    root: Path, lines: Any = LINES, *, at: datetime = EVENING, terms: Any = None, **account: Any
) -> Iterator[AlpacaDay]:
    """Yield an execution of the lines that has done nothing yet, and its account."""
    held = {symbol: Decimal(shares) for symbol, shares in HELD.items()}
    costs = {symbol: shares * PRICES[symbol] for symbol, shares in held.items()}
    made = AlpacaAccount(
        at, dict(PRICES), cash=Decimal(CASH) / 100, number="A1", positions=held, costs=costs, **account
    )
    with serving(AlpacaTradingServer(made)) as server:
        clock = ServedClock(at)
        clock.server = server
        plain = make_day(root, lines, at=at, terms=terms)
        AlpacaBroker.now(broker_of(server, is_ours=is_ours))  # the server has loaded its calendar
        server.journal.clear()
        day = AlpacaDay(plain.home, plain.broker_file, plain.script, clock, server=server)
        day.rules = replace(RULES, poll=POLL)
        yield day
