"""Walks over hostile histories balance to the cent in every session (issue 13, done when 3).

Splits, dividends, symbol changes, delistings, restatements and gaps are drawn, some known late; orders are drawn too,
and one company may be short at the start. A second account, in exact fractions, lives the same nights and fills.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.backtest.accounting.account import Account
from tasks.backtest.combination import curve_of
from tasks.backtest.metrics.attribution import attribute
from tasks.backtest.metrics.round_trips import round_trips
from tasks.backtest.tear_sheet import holdings_of
from tasks.backtest.walk import Walk, WalkRules, walk
from tasks.backtest.world import World
from tasks.core.errors import SafetyError
from tasks.trades.fills import Orders
from tests.unit.backtest.histories import SESSIONS, some_closes, some_rows, world_until
from tests.unit.backtest.slow_account import Day, SlowAccount

FIRST = 2
COST_PER_SHARE, LEAST_COST = 3, 100  # cents


def costs(world, row, shares, price_cents, *, is_sale):
    return np.where(shares > 0, np.maximum(COST_PER_SHARE * shares, LEAST_COST), 0)


def random_orders(seed: int):
    """Return a decision: up to 300 shares to buy or to sell in about half of the companies."""

    def decide(world: World, row: int, account: Account) -> Orders:
        rng = np.random.default_rng([seed, row])
        wanted = rng.integers(-300, 301, len(world.company)) * (rng.random(len(world.company)) < 0.5)
        buys = np.maximum(wanted, 0)
        ceiling = buys * np.where(world.price_cents[row] > 0, world.price_cents[row], 2_000)
        return Orders(np.maximum(-wanted, 0), buys, ceiling)

    return decide


def day_of(world: World, course: Walk, row: int, rules: WalkRules) -> Day:
    """Return what happened on a row of the world, by company."""
    night, place = world.nights[row], row - FIRST
    companies = range(len(world.company))
    split = dict(night.splits)
    dividend = {company: value for company, value, _ in night.dividends}
    closing = dict(night.closings)
    assert len(split) == len(night.splits)
    assert len(dividend) == len(night.dividends)
    assert len(closing) == len(night.closings)
    return Day(
        split=tuple(split.get(c) for c in companies),
        dividend=tuple(dividend.get(c) for c in companies),
        pays_in=3,
        closing=tuple((closing[c] or 0.0) if c in closing else None for c in companies),
        is_stated=tuple(closing.get(c) is not None for c in companies),
        days=night.days,
        interest_rate=night.interest_rate,
        borrow_rate=rules.borrow_rate,
        trade=tuple((course.buys - course.sells)[place].tolist()),
        fill=tuple(course.fill_price[place].tolist()),
        cost=tuple(course.costs[place].tolist()),
        close=tuple(world.price_cents[row].tolist()),
    )


@given(
    closes=some_closes,
    rows=some_rows,
    seed=st.integers(0, 10_000),
    cash=st.sampled_from([50_000, 1_000_000, 10**9]),
    held=st.integers(-200, 400),
    fill_at=st.sampled_from(["next_open", "next_close"]),
    every=st.sampled_from([1, 3]),
    borrow=st.sampled_from([0.0, 0.03]),
)
def test_every_session_of_a_walk_balances_to_the_cent(closes, rows, seed, cash, held, fill_at, every, borrow):
    made = world_until(SESSIONS - 1, closes, rows)
    rules = WalkRules(fill_at=fill_at, every_sessions=every, borrow_rate=borrow)
    shares = np.zeros(len(made.company), dtype=np.int64)
    shares[0] = held if made.price_cents[FIRST, 0] > 0 else 0
    start = Account(shares, cash + max(-held, 0) * 10_000)
    try:
        course = walk(made, start, random_orders(seed), costs, first=FIRST, last=SESSIONS - 1, rules=rules)
    except SafetyError as error:  # nothing left: the short position ate all
        assume("positions cannot be sized" not in str(error))
        raise

    slow = SlowAccount(start.cash_cents, shares.tolist(), made.price_cents[FIRST].tolist())
    for row in range(FIRST + 1, SESSIONS):
        place = row - FIRST
        pnl, other = slow.live(row, day_of(made, course, row, rules))
        held_value = sum(s * p for s, p in zip(slow.shares, made.price_cents[row].tolist(), strict=True))
        owed = sum(cents for _, cents in slow.owed)

        assert course.price_pnl[place].tolist() == pnl
        assert (course.cash[place], course.receivable[place]) == (slow.cash, owed)
        assert course.shares[place].tolist() == slow.shares
        assert course.equity[place] == slow.cash + owed + held_value
        change = course.equity[place] - course.equity[place - 1]
        assert change == sum(pnl, Fraction(other))
        gained = (course.price_pnl + course.dividends - course.costs - course.borrow)[place].sum()
        assert change == gained + course.interest[place]

    curve = curve_of(course.totals, made, np.full(SESSIONS, "BULL"))
    parts = attribute(course.sessions, curve.equity_usd, holdings_of(course, made))
    assert (parts.sum(axis=1).to_numpy() == np.diff(course.equity)).all()
    assert parts["cost"].sum() == -(course.costs + course.borrow).sum()
    assert parts["interest"].sum() == course.interest.sum()

    profit = course.price_pnl + course.dividends - course.costs - course.borrow
    trips = round_trips(course.sessions, course.shares != 0, profit / 100)
    assert round(100 * trips["pnl_usd"].sum()) == profit.sum()


def test_an_account_that_is_a_cent_off_is_seen():
    """The second account is not a copy of the first: one cent of cash more is a difference."""
    made = world_until(SESSIONS - 1, {"A": dict.fromkeys(range(SESSIONS), 10.0)}, {})
    start = Account(np.array([10]), 100_000)
    course = walk(made, start, random_orders(1), costs, first=FIRST, last=SESSIONS - 1, rules=WalkRules())
    slow = SlowAccount(start.cash_cents, [10], made.price_cents[FIRST].tolist())

    slow.live(
        FIRST + 1, replace(day_of(made, course, FIRST + 1, WalkRules()), cost=(course.costs[1, 0] + 1,))
    )

    assert slow.cash == course.cash[1] - 1
