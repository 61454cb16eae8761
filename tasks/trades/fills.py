"""Fill approved orders at a later price than the one they were sized at. An approved order is an upper bound.

A decision is sized at the close of its session and traded at the next open, or at the next close. Sales are filled in
full. A buy whose price has risen shrinks to the approved amount of money, a cheaper one does not grow, and together the
buys are scaled to the cash that is left after sales and costs. The order of a line without a price stays open;
a line whose listing has ended is refused. Decides nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.holdings.events import split_shares
from tasks.trades.cuts import scale_to_fit

Shares = NDArray[np.int64]
Cents = NDArray[np.int64]
Mask = NDArray[np.bool_]


class CostCents(Protocol):
    """Costs in cents, by line, of selling or buying so many shares; fewer shares never cost more."""

    def __call__(self, shares: Shares, *, is_sale: bool) -> Cents: ...


@dataclass(frozen=True)
class Orders:
    """Approved shares by line, and the most money that each buy may use: its shares × the price of the decision."""

    sells: Shares
    buys: Shares
    ceiling_cents: Cents

    @property
    def lines(self) -> Mask:
        """Which lines have an order."""
        asked: Mask = (self.sells > 0) | (self.buys > 0)
        return asked

    def only(self, lines: Mask) -> "Orders":
        """Return the orders of these lines alone."""
        return Orders(
            np.where(lines, self.sells, 0),
            np.where(lines, self.buys, 0),
            np.where(lines, self.ceiling_cents, 0),
        )


@dataclass(frozen=True)
class Fills:
    """Executed shares and their costs, by line, all at one price per line."""

    sells: Shares
    buys: Shares
    price_cents: Cents
    cost_cents: Cents


def fill_orders(
    orders: Orders,
    *,
    held: Shares,
    cash_cents: int,
    price_cents: Cents,
    has_ended: Mask,
    costs: CostCents,
) -> tuple[Fills, Orders]:
    """Return the fills, and the orders that stay open because their line has no price (0) yet.

    Never sells more than is held and never spends more than the cash left after sales and all costs.
    """
    if not (orders.sells.any() or orders.buys.any()):  # most sessions of a backtest with a cadence
        nothing = np.zeros_like(held)
        return Fills(nothing, nothing, price_cents, nothing), Orders(nothing, nothing, nothing)
    is_priced = price_cents > 0
    tradable = orders.only(is_priced & ~has_ended)
    sells = np.minimum(tradable.sells, np.maximum(held, 0))
    affordable = tradable.ceiling_cents // np.where(is_priced, price_cents, 1)
    buys = np.minimum(tradable.buys, affordable)

    selling_costs = costs(sells, is_sale=True)
    cash_left = cash_cents + int((sells * price_cents).sum()) - int(selling_costs.sum())
    buying_costs = costs(buys, is_sale=False)
    fitting = scale_to_fit(buys, price_cents, cash_left - int(buying_costs.sum()))
    if fitting is not buys:
        buying_costs = costs(fitting, is_sale=False)
    fills = Fills(sells, fitting, price_cents, selling_costs + buying_costs)
    return fills, orders.only(~is_priced & ~has_ended)


def carry_orders(orders: Orders, splits: Iterable[tuple[int, float]]) -> Orders:
    """Return the orders in new shares after splits of these lines; the money approved for a buy stays the same.

    Fractions are dropped, as they are from holdings: an order to sell everything still sells everything.
    """
    sells, buys = orders.sells.copy(), orders.buys.copy()
    for line, split in splits:
        sells[line] = int(split_shares(int(sells[line]), [split]))
        buys[line] = int(split_shares(int(buys[line]), [split]))
    return Orders(sells, buys, orders.ceiling_cents)
