"""Hold the equal-weighted universe: the second benchmark of a backtest, with the same fills and costs.

At each decision, every member is set to the same amount and names that left the universe are sold. There is no model,
no regime and no limit: the difference shows what these and the optimizer add.
"""

import numpy as np

from tasks.backtest.accounting.account import Account
from tasks.backtest.walk import FillAt, FillCosts, Walk, WalkRules, walk
from tasks.backtest.world import World
from tasks.trades.fills import Orders

REBALANCED_EVERY_SESSIONS = 21


def walk_equal_weight(
    world: World, costs: FillCosts, *, cash_cents: int, first: int, last: int, fill_at: FillAt
) -> Walk:
    """Simulate from cash only, rebalancing every 21 sessions."""
    return walk(
        world,
        Account(np.zeros(len(world.company), dtype=np.int64), cash_cents),
        equal_weight_orders,
        costs,
        first=first,
        last=last,
        rules=WalkRules(fill_at=fill_at, every_sessions=REBALANCED_EVERY_SESSIONS),
    )


def equal_weight_orders(world: World, row: int, account: Account) -> Orders:
    """Return the orders towards equal weights of the members with a price; whole shares, rounded down."""
    price = world.price_cents[row]
    is_wanted = world.is_member[row] & (price > 0)
    equity = account.cash_cents + account.receivable_cents + int((account.shares * price).sum())
    each = equity // max(int(is_wanted.sum()), 1)
    wanted = np.where(is_wanted, each // np.maximum(price, 1), 0)
    change = wanted - account.shares
    buys = np.maximum(change, 0)
    return Orders(np.maximum(-change, 0), buys, buys * price)
