"""Orders as tests need them."""

from datetime import date
from decimal import Decimal

from tasks.execution.order_ids import order_id
from tasks.execution.schema import Order

SESSION = date(2024, 6, 14)  # a Friday; it trades on Monday, 17 June
DIGEST = "a" * 64


def make_order(row=0, symbol="AAPL", side="SELL", shares=100, *, part=0, timing="market", limit_price=None):
    """Return an order of Friday's trades."""
    return Order(
        order_id=order_id("PA1", SESSION, DIGEST, row=row, part=part),
        session=SESSION,
        row=row,
        part=part,
        symbol=symbol,
        side=side,
        shares=shares,
        timing=timing,
        limit_price=None if limit_price is None else Decimal(limit_price),
    )
