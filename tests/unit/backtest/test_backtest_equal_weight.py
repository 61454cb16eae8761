"""Equal weights of the universe: whole shares, the members of the session, the costs of the walk."""

import numpy as np

from tasks.backtest.accounting.account import Account, Receivable
from tasks.backtest.equal_weight import REBALANCED_EVERY_SESSIONS, equal_weight_orders, walk_equal_weight
from tests.unit.backtest.stored import flat, world


def seven_cents(world, row, shares, price_cents, *, is_sale):
    return np.where(shares > 0, 7, 0)


def test_each_member_gets_the_same_money_in_whole_shares():
    market = world({"A": flat(10.0), "B": flat(30.0)})

    orders = equal_weight_orders(market, 15, Account(np.array([60, 0]), 41_000))

    assert (orders.sells.tolist(), orders.buys.tolist()) == ([10, 0], [0, 16])  # 505 each of 1,010
    assert orders.ceiling_cents.tolist() == [0, 48_000]


def test_a_dividend_that_is_due_counts_towards_the_equal_amounts():
    market = world({"A": flat(10.0), "B": flat(30.0)})
    due = Receivable(company=0, cents=40_000, pay_row=17)

    orders = equal_weight_orders(market, 15, Account(np.array([60, 0]), 41_000, (due,)))

    assert (orders.sells.tolist(), orders.buys.tolist()) == ([0, 0], [10, 23])  # 705 each of 1,410


def test_what_is_not_a_member_is_sold_and_what_has_no_price_yet_is_not_bought():
    market = world({"A": flat(10.0), "B": flat(2.0), "C": flat(10.0, first=20)})  # B is below 5 dollars

    orders = equal_weight_orders(market, 15, Account(np.array([0, 50, 0]), 90_000))

    assert (orders.sells.tolist(), orders.buys.tolist()) == ([0, 50, 0], [100, 0, 0])


def test_a_universe_without_members_is_cash():
    market = world({"A": flat(2.0)})

    orders = equal_weight_orders(market, 15, Account(np.array([3]), 1_000))

    assert (orders.sells.tolist(), orders.buys.tolist()) == ([3], [0])


def test_it_pays_costs_and_is_rebalanced_every_21_sessions():
    prices = {day: 10.0 if day < 20 else 20.0 for day in range(40)}  # members from day 10 on
    market = world({"A": prices, "B": flat(10.0, last=39)}, sessions=40)

    course = walk_equal_weight(
        market, seven_cents, cash_cents=100_000, first=10, last=39, fill_at="next_open"
    )

    traded = np.flatnonzero((course.buys + course.sells).sum(axis=1)).tolist()
    assert traded == [1, 1 + REBALANCED_EVERY_SESSIONS]
    assert course.costs.sum() == 4 * 7
    assert course.shares[-1].tolist() == [37, 74]  # 49 of each were worth 1,490 at 20 and 10
