"""Simulate an account session by session: overnight events, fills of the last decision, the close, a new decision.

The decision is a function that is passed in; the daily run uses the same one. It is made after the close of a session
and filled in the next one, at its open or its close. An order without a price at that moment stays open until it is
filled or a new decision replaces it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.backtest.accounting.account import Account, Statement, close_session, opening_statement, settle
from tasks.backtest.accounting.money import Cents, Shares
from tasks.backtest.accounting.overnight import pass_night
from tasks.backtest.world import World
from tasks.core.errors import ConfigError, SafetyError
from tasks.data.schema.records import Days
from tasks.trades.fills import Fills, Orders, carry_orders, fill_orders, no_orders

FillAt = Literal["next_open", "next_close"]
# world, row of the session, the account after its close; None: no decision, open orders stay open
Decide = Callable[[World, int, Account], Orders | None]


class FillCosts(Protocol):
    """Costs in cents by company of trades filled on a row at these prices; fewer shares never cost more."""

    def __call__(
        self, world: World, row: int, shares: Shares, price_cents: Cents, *, is_sale: bool
    ) -> Cents: ...


@dataclass(frozen=True)
class WalkRules:
    """Fill price, cadence and borrow rate of a backtest."""

    fill_at: FillAt = "next_open"
    every_sessions: int = 1  # between decisions
    borrow_rate: float = 0.0  # yearly, on short positions


class Step(NamedTuple):
    """One simulated session: the account after its close, its fills, and the orders for the next session."""

    account: Account
    statement: Statement
    fills: Fills
    orders: Orders


@dataclass(frozen=True)
class Totals:
    """The totals by session over all companies, from which the figures are computed. In cents."""

    sessions: Days
    equity: Cents
    invested: Cents
    bought: Cents  # notional
    sold: Cents
    costs: Cents


@dataclass(frozen=True)
class Walk:
    """The history of an account: one row per session, the first of which is the start. Money in cents.

    Matrices are sessions × companies. Prices are those of the world: of fills, if there were any, and of the close.
    """

    sessions: Days
    company: NDArray[np.str_]
    cash: Cents
    receivable: Cents
    invested: Cents  # sum of the positions
    interest: Cents
    shares: Shares
    price: Cents
    price_pnl: Cents
    dividends: Cents
    costs: Cents
    borrow: Cents
    buys: Shares
    sells: Shares
    fill_price: Cents
    ordered_buys: Shares  # open after the session's close and decision
    ordered_sells: Shares

    @property
    def equity(self) -> Cents:
        return self.cash + self.receivable + self.invested

    @property
    def position(self) -> Cents:
        return self.shares * self.price

    @property
    def totals(self) -> Totals:
        return Totals(
            sessions=self.sessions,
            equity=self.equity,
            invested=self.invested,
            bought=(self.buys * self.fill_price).sum(axis=1),
            sold=(self.sells * self.fill_price).sum(axis=1),
            costs=self.costs.sum(axis=1),
        )


def walk(
    world: World, start: Account, decide: Decide, costs: FillCosts, *, first: int, last: int, rules: WalkRules
) -> Walk:
    """Simulate from the close of row `first`, when the account is `start`, to the close of row `last`.

    Raises ConfigError if the rows are not in order or not in the world, SafetyError if equity is not positive.
    """
    course = _empty_walk(world, slice(first, last + 1), rules)
    for place, step in enumerate(steps(world, start, decide, costs, first=first, last=last, rules=rules)):
        _record(course, place, step)
        # zero otherwise: memory that is never written costs nothing
        if world.nights[first + place].dividends:
            course.dividends[place] = step.statement.dividends
        if rules.borrow_rate:
            course.borrow[place] = step.statement.borrow
    return course


def steps(
    world: World, start: Account, decide: Decide, costs: FillCosts, *, first: int, last: int, rules: WalkRules
) -> Iterator[Step]:
    """Yield the simulated sessions one by one, so that several backtests can advance together."""
    if not 0 <= first <= last < len(world.sessions):
        raise ConfigError(
            f"A backtest of {len(world.sessions)} sessions cannot run from row {first} to {last}.",
            remedy="Choose a first and a last session that the lake holds.",
        )
    account = start
    statement = opening_statement(account, world.price_cents[first])
    nothing = np.zeros(len(account.shares), dtype=np.int64)
    fills, orders = Fills(nothing, nothing, nothing, nothing), no_orders(len(nothing))
    for row in range(first, last + 1):
        if row > first:
            account, statement, fills, orders = _session(world, row, account, statement, orders, costs, rules)
        _refuse_worthless(world, row, statement)
        if (row - first) % rules.every_sessions == 0:
            decided = decide(world, row, account)
            orders = orders if decided is None else decided
        yield Step(account, statement, fills, orders)


def _session(
    world: World,
    row: int,
    account: Account,
    before: Statement,
    orders: Orders,
    costs: FillCosts,
    rules: WalkRules,
) -> tuple[Account, Statement, Fills, Orders]:
    """Return account, statement and fills after the row's close, and the orders that stay open."""
    night = world.nights[row]
    if night.borrow_rate != rules.borrow_rate:
        night = replace(night, borrow_rate=rules.borrow_rate)
    account, moved = pass_night(account, night, price_cents=world.price_cents[row - 1])
    price_cents = _fill_prices(world, rules)[row]

    def costs_of(shares: Shares, *, is_sale: bool) -> Cents:
        return costs(world, row, shares, price_cents, is_sale=is_sale)

    fills, again = fill_orders(
        carry_orders(orders, night.splits),
        held=account.shares,
        cash_cents=account.cash_cents,
        price_cents=price_cents,
        has_ended=world.has_ended[row],
        costs=costs_of,
    )
    account, flows = settle(account, fills, moved)
    return account, close_session(before, account, flows, world.price_cents[row]), fills, again


def _fill_prices(world: World, rules: WalkRules) -> Cents:
    return world.open_cents if rules.fill_at == "next_open" else world.close_cents


def _refuse_worthless(world: World, row: int, statement: Statement) -> None:
    if statement.equity_cents <= 0:
        raise SafetyError(
            f"The portfolio of the backtest is worth {statement.equity_cents / 100:,.2f} USD on "
            f"{world.sessions[row]}: positions cannot be sized.",
            remedy="End the backtest before that session, or start it with more cash.",
            equity_usd=statement.equity_cents / 100,
        )


def _empty_walk(world: World, rows: slice, rules: WalkRules) -> Walk:
    price = world.price_cents[rows]

    def series() -> Cents:
        return np.zeros(len(price), dtype=np.int64)

    def matrix() -> Cents:
        return np.zeros(price.shape, dtype=np.int64)

    return Walk(
        sessions=world.sessions[rows],
        company=world.company,
        cash=series(),
        receivable=series(),
        invested=series(),
        interest=series(),
        shares=matrix(),
        price=price,
        price_pnl=matrix(),
        dividends=matrix(),
        costs=matrix(),
        borrow=matrix(),
        buys=matrix(),
        sells=matrix(),
        fill_price=_fill_prices(world, rules)[rows],
        ordered_buys=matrix(),
        ordered_sells=matrix(),
    )


def _record(course: Walk, place: int, step: Step) -> None:
    """Write what every step has into its row: all steps, kept until the end, would take the memory of another walk."""
    account, statement, fills, orders = step
    course.cash[place] = statement.cash_cents
    course.receivable[place] = statement.receivable_cents
    course.invested[place] = statement.invested_cents
    course.interest[place] = statement.interest
    course.shares[place] = account.shares
    course.price_pnl[place] = statement.price_pnl
    course.costs[place] = statement.costs
    course.buys[place] = fills.buys
    course.sells[place] = fills.sells
    course.ordered_buys[place] = orders.buys
    course.ordered_sells[place] = orders.sells
