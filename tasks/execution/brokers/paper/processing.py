"""Process the stored sessions of the market for a paper account: the night, fills at the open, fills until the close.

Each of the two stages of a session is one transaction, so that it happens once, whoever processes it.
"""

import sqlite3
from datetime import datetime

from tasks.core.sessions import session_after, session_on
from tasks.execution.brokers.base import Status
from tasks.execution.brokers.paper import account as stored
from tasks.execution.brokers.paper.faults import Faults
from tasks.execution.brokers.paper.fills import Stage, Terms, fill_price
from tasks.execution.brokers.paper.market import Market, NightEvents
from tasks.execution.brokers.paper.night import after_night


def advance(connection: sqlite3.Connection, market: Market, now: datetime, faults: Faults) -> bool:
    """Process the next stage if its bar is stored and its time has come; return whether there may be another."""
    head = stored.head_of(connection)
    last = market.last_session()
    session = head.session if head.stage == "open" else session_after(head.session)
    times = session_on(session)
    happens_at = times.closes_at if head.stage == "open" else times.opens_at
    if last is None or session > last or happens_at is None or happens_at > now:
        return False
    with stored.changing(connection):
        if stored.head_of(connection) != head:  # another process was faster
            return True
        if head.stage == "close":
            stored.set_head(connection, session, "open")
            _pass_night(connection, market)
            fill_open_orders(connection, market, "open", faults)
        else:
            stored.set_head(connection, session, "close")
            fill_open_orders(connection, market, "close", faults)
    return True


def fill_open_orders(
    connection: sqlite3.Connection, market: Market, stage: Stage, faults: Faults, *, only: str | None = None
) -> None:
    """Fill the open orders of the account's session, sales first; at its close, what is left expires."""
    session = stored.head_of(connection).session
    orders = [
        order
        for order in stored.open_orders_of(connection)
        if session_after(order.session) <= session and only in {None, order.order_id}
    ]
    for order in sorted(orders, key=lambda order: order.side != "SELL"):
        _fill(connection, order, market, stage, faults)
        if stage == "close":
            reason = f"unfilled at the close of {session}"
            stored.end_order(connection, order.order_id, Status.EXPIRED, reason)


def _pass_night(connection: sqlite3.Connection, market: Market) -> None:
    before, session = stored.holdings_of(connection), stored.head_of(connection).session
    resting = stored.open_orders_of(connection)
    events = market.night(session, {*before.shares, *(order.symbol for order in resting)})
    holdings, activities = after_night(before, events)
    stored.store_holdings(connection, holdings)
    stored.add_activities(connection, activities)
    for order in resting:
        reason = _void_by(events, order.symbol)
        if reason:
            stored.end_order(connection, order.order_id, Status.CANCELED, reason)


def _void_by(events: NightEvents, symbol: str) -> str:
    if symbol in events.splits:
        return f"{symbol} has split: an order that was open then is void"
    if symbol in events.renames:
        return f"{symbol} is now {events.renames[symbol]}: an order that was open at the change is void"
    return ""


def _fill(
    connection: sqlite3.Connection, order: stored.StoredOrder, market: Market, stage: Stage, faults: Faults
) -> None:
    head = stored.head_of(connection)
    shares, price = 0, 0
    refusal = "rejected by the exchange" if faults.reject(order.order_id) else ""
    if market.has_ended(head.session, order.symbol):
        refusal = "the listing has ended"
    if not refusal:
        shares, price = _fillable(order, market, head, stage, faults)
    is_sale, cents = order.side == "SELL", shares * price
    if not cents and not refusal:
        return
    fee = market.cost_cents(head.session, order.symbol, shares, price, is_sale=is_sale) if cents else 0
    change = cents - fee if is_sale else -cents - fee
    if is_sale and stored.shares_of(connection).get(order.symbol, 0) < shares:
        refusal = "the account holds fewer shares"
    elif head.cash_cents + change < 0:
        refusal = "the account has less cash"
    if refusal:
        stored.end_order(connection, order.order_id, Status.REJECTED, refusal)
        return
    stored.add_fill(connection, order, shares, cents, fee)
    stored.add_shares(connection, order.symbol, -shares if is_sale else shares)
    stored.add_cash(connection, change)
    if is_sale:
        stored.add_proceeds(connection, head.session, change)


def _fillable(
    order: stored.StoredOrder, market: Market, head: stored.Head, stage: Stage, faults: Faults
) -> tuple[int, int]:
    """Return the shares that fill at this stage, and their price in cents; 0 where nothing fills."""
    bar = market.bar(head.session, order.symbol)
    if bar is None or faults.halted(order.symbol, head.session):
        return 0, 0
    priced_at: Stage = stage
    if faults.delay(order.order_id):
        if stage == "open":
            return 0, 0
        priced_at = "close" if order.timing == "at_close" else "open"
    shares = faults.fillable(order.order_id, order.shares) - order.filled_shares
    return max(shares, 0), fill_price(Terms(order.side, order.timing, order.limit_cents), bar, priced_at)
