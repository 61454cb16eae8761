"""The last check before an order leaves. It only refuses, and no setting reaches it: its limits are constants.

A second implementation of the hard limits: it imports neither the gates nor the checks of the day, nor anything that
they compute, so that a mistake in one is not a mistake in both. It reads the broker's own records and the journal.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from tasks.core.errors import SafetyError
from tasks.execution.brokers.base import BrokerAccount, BrokerOrder, BrokerPosition, Quote
from tasks.execution.schema import Order

LIVE_ACCOUNT = "AFTERCLOSE_LIVE_ACCOUNT"

MOST_SHARES = 1_000_000  # of one order
MOST_ORDER_CENTS = 25_000_000_00
MOST_BUY_OF_EQUITY = Decimal("0.35")
MOST_BUYS_OF_EQUITY = Decimal(1)  # of one session, over all runs
MOST_ORDERS = 500  # of one session, over all runs
MOST_SENDS = 5  # of one order, at a broker that refuses an id that it knows
LOWEST_PRICE, HIGHEST_PRICE = Decimal("0.01"), Decimal(1_000_000)
MOST_LIMIT_DISTANCE = Decimal("0.10")  # from the quote

IDS = re.compile(r"[0-9A-Za-z-]{1,48}\Z")
SYMBOLS = re.compile(r"[A-Z0-9][A-Z0-9.^=-]{0,15}\Z")


class GuardRefusedError(SafetyError):
    """The guard refused an order; `limit` names the limit. The order was not sent."""

    def __init__(self, what: str, *, remedy: str, limit: str = "") -> None:
        super().__init__(what, remedy=remedy, limit=limit)
        self.limit = limit


@dataclass(frozen=True)
class Wire:
    """What the guard reads: the broker's records as they came, and the journal's counts of the session."""

    order: Order
    account: BrokerAccount
    positions: Mapping[str, BrokerPosition]
    open_orders: Collection[BrokerOrder]  # of anybody
    unconfirmed: Collection[Order]  # ours, other than this one, that may be at the broker
    quotes: Mapping[str, Quote]
    ledger_shares: Decimal  # of the symbol; fills since the broker was asked are in the ledger alone
    ledger_cash_cents: int
    buys_today_cents: int  # filled
    orders_today: int  # requests that may have left, this one included
    sends: int  # of them, those for this very order
    has_unique_ids: bool  # the broker refuses an id that it knows
    allows_live: bool  # execution.allows_live


LIMITS: dict[str, str] = {  # names the limits for the log and the documentation
    "form": "a valid id, symbol, side, timing; whole shares; a limit price if, and only if, the timing is `limit`",
    "shares": f"1 to {MOST_SHARES:,} shares",
    "price": f"a quote and a limit from {LOWEST_PRICE} to {HIGHEST_PRICE:,} USD",
    "limit_distance": f"a limit within {MOST_LIMIT_DISTANCE:.0%} of the quote",
    "mode": "paper; or live with `execution.allows_live` and AFTERCLOSE_LIVE_ACCOUNT naming the broker's account",
    "account": "the account is not blocked; one restricted to closing orders only sells",
    "sale": "the sell and all open sells of the name are at most the position, at the broker and in the ledger",
    "order_notional": f"at most {MOST_ORDER_CENTS // 100:,} USD",
    "buy_of_equity": f"a buy of at most {MOST_BUY_OF_EQUITY:.0%} of equity",
    "buys_of_equity": "the buys of the session, over all runs and with the open ones, are at most the equity",
    "cash": "the buy and all open buys are at most the cash, at the broker and in the ledger",
    "orders": f"at most {MOST_ORDERS} orders in a session, over all runs",
    "id": f"an id is sent once; up to {MOST_SENDS} times at a broker that refuses an id that it knows",
}


def guard(wire: Wire, environ: Mapping[str, str] = os.environ) -> None:
    """Return if the order may leave. Raises GuardRefusedError otherwise, and for whatever cannot be computed."""
    try:
        _check(wire, environ)
    except GuardRefusedError:
        raise
    except Exception as error:  # noqa: BLE001 - fail closed, whatever the fault is
        _refuse("form", f"it could not be checked ({type(error).__name__})")


def _check(wire: Wire, environ: Mapping[str, str]) -> None:
    order, account = wire.order, wire.account
    _check_form(order)
    price = _check_price(order, wire.quotes)
    if account.mode != "paper" and not (
        account.mode == "live"
        and wire.allows_live is True
        and account.account
        and environ.get(LIVE_ACCOUNT) == account.account
    ):
        _refuse("mode", f"{account.account} is a live account")
    if account.is_blocked or (account.only_closing and order.side != "SELL"):
        _refuse("account", "the broker does not accept it")
    if wire.orders_today > MOST_ORDERS:
        _refuse("orders", f"it would be request {wire.orders_today} of the session")
    if wire.sends > (MOST_SENDS if wire.has_unique_ids is True else 1):
        _refuse("id", f"it was sent {wire.sends} times")
    notional = order.shares * price * 100
    if not notional <= MOST_ORDER_CENTS:
        _refuse("order_notional", f"{notional / 100:,.2f} USD")
    if order.side == "SELL":
        _check_sale(wire)
    else:
        _check_buy(wire, notional)


def _check_form(order: Order) -> None:
    if IDS.match(order.order_id) is None or SYMBOLS.match(order.symbol) is None or order.symbol == "CASH":
        _refuse("form", "its id or symbol is not valid")
    if order.side not in ("BUY", "SELL") or order.timing not in ("market", "limit", "at_open", "at_close"):
        _refuse("form", "its side or timing is not valid")
    if (order.limit_price is None) == (order.timing == "limit"):
        _refuse("form", "its limit does not match its timing")
    if isinstance(order.shares, bool) or not isinstance(order.shares, int):
        _refuse("form", "its shares are not whole")
    if not 1 <= order.shares <= MOST_SHARES:
        _refuse("shares", f"{order.shares:,} shares")


def _check_price(order: Order, quotes: Mapping[str, Quote]) -> Decimal:
    """Return the price that the order is valued at: the quote, a buy at its limit if that is higher."""
    quoted = _quoted(order.symbol, quotes)
    limit = order.limit_price
    if limit is None:
        return quoted
    if not LOWEST_PRICE <= limit <= HIGHEST_PRICE:
        _refuse("price", f"a limit of {limit}")
    if not quoted * (1 - MOST_LIMIT_DISTANCE) <= limit <= quoted * (1 + MOST_LIMIT_DISTANCE):
        _refuse("limit_distance", f"a limit of {limit} at a quote of {quoted}")
    return limit if order.side == "BUY" and limit > quoted else quoted


def _quoted(symbol: str, quotes: Mapping[str, Quote]) -> Decimal:
    if symbol not in quotes or not LOWEST_PRICE <= quotes[symbol].price <= HIGHEST_PRICE:
        _refuse("price", f"there is no usable quote for {symbol}")
    return quotes[symbol].price


def _check_sale(wire: Wire) -> None:
    symbol = wire.order.symbol
    at_broker = wire.positions[symbol].shares if symbol in wire.positions else Decimal(0)
    free = min(at_broker, wire.ledger_shares) - _open_shares(wire).get(symbol, Decimal(0))
    if not wire.order.shares <= free:
        _refuse("sale", f"{wire.order.shares} to sell, {free} free")


def _check_buy(wire: Wire, notional: Decimal) -> None:
    equity = Decimal(wire.account.equity_cents)
    if not notional <= equity * MOST_BUY_OF_EQUITY:
        _refuse("buy_of_equity", f"{notional / 100:,.2f} USD")
    opened = Decimal(0)
    for symbol, shares in _open_shares(wire).items():
        opened += shares * _quoted(symbol, wire.quotes) * 100
    if not wire.buys_today_cents + opened + notional <= equity * MOST_BUYS_OF_EQUITY:
        _refuse("buys_of_equity", f"{wire.buys_today_cents / 100:,.2f} USD were bought")
    cash = min(wire.account.cash_cents, wire.ledger_cash_cents)
    if not opened + notional <= cash:
        _refuse("cash", f"{cash / 100:,.2f} USD, of which open buys take {opened / 100:,.2f}")


def _open_shares(wire: Wire) -> dict[str, Decimal]:
    """Return the shares, by symbol, that every other order on the side of this one may still trade."""
    side, counted = wire.order.side, {wire.order.order_id}
    found: dict[str, Decimal] = {}
    for theirs in wire.open_orders:
        if theirs.order_id not in counted:
            counted.add(theirs.order_id)
            if theirs.side == side:
                left = theirs.shares - theirs.filled_shares
                found[theirs.symbol] = found.get(theirs.symbol, Decimal(0)) + left
    for ours in wire.unconfirmed:
        if ours.order_id not in counted:
            counted.add(ours.order_id)
            if ours.side == side:
                found[ours.symbol] = found.get(ours.symbol, Decimal(0)) + ours.shares
    return found


def _refuse(limit: str, found: str) -> NoReturn:
    raise GuardRefusedError(
        f"The order was not sent: {found}. The limit `{limit}`: {LIMITS[limit]}.",
        remedy="No setting changes this limit. Read docs/safety.md#before-an-order-leaves, then correct the cause.",
        limit=limit,
    )
