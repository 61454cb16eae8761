"""Ready-made accounts at the local Alpaca, and orders for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tasks.execution.brokers.alpaca.broker import AlpacaBroker
from tasks.execution.schema import Order, Side, Timing
from tests.servers.alpaca_account import AlpacaAccount, instant
from tests.servers.alpaca_trading import AlpacaTradingServer
from tests.servers.base import serving

DECIDED, TRADED = date(2024, 6, 13), date(2024, 6, 14)  # Thursday, Friday
NOON = instant(TRADED, "12:00")
PRICES = {"AAA": Decimal(50), "BBB": Decimal("20.25"), "CCC": Decimal("0.8125")}
REQUEST_S, SHORT_S = 10.0, 0.2  # the second for a server that hangs


def make_order(
    symbol: str = "AAA",
    side: Side = "BUY",
    shares: int = 10,
    *,
    timing: Timing = "market",
    limit: str | None = None,
    row: int = 0,
    session: date = DECIDED,
) -> Order:
    """Return an order with an id of ours."""
    price = None if limit is None else Decimal(limit)
    return Order(f"ours-{session:%Y%m%d}-{row}-0", session, row, 0, symbol, side, shares, timing, price)


def is_ours(client_id: str) -> bool:
    return client_id.startswith("ours-")


def make_account(now: datetime = NOON, **fields: Any) -> AlpacaAccount:
    """Return an account with 10 AAA and 100,000 dollars, at noon of a session."""
    held = fields.pop("positions", {"AAA": Decimal(10)})
    costs = {symbol: shares * 40 for symbol, shares in held.items()}
    return AlpacaAccount(now, dict(PRICES), positions=dict(held), costs=costs, **fields)


@contextmanager
def trading_at(account: AlpacaAccount) -> Iterator[tuple[AlpacaTradingServer, AlpacaBroker]]:
    """Serve the account; yield the server and a broker of it. The keys must be in the environment."""
    with serving(AlpacaTradingServer(account)) as server:
        yield server, broker_of(server)


def broker_of(server: AlpacaTradingServer, **fields: Any) -> AlpacaBroker:
    """Return a new broker, which remembers nothing, as after a restart."""
    named: dict[str, Any] = {"request_s": REQUEST_S, "is_ours": is_ours, **fields}
    return AlpacaBroker(trading_url=server.url, data_url=server.url, **named)
