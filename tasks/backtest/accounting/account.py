"""The account of a backtest: whole shares by company, cash and dividends receivable, in whole cents.

A position belongs to a company, which is a column of the world, so a symbol change does not affect it. Shares may be
negative (short). Makes no decisions and reads no data; every step returns a new account and the money that moved.

The loops over companies are compiled: on 500 numbers, chains of NumPy calls take several times as long.
"""

from dataclasses import dataclass

import numpy as np

from tasks.backtest.accounting.money import Cents, Shares, refuse_too_large, value_cents
from tasks.core.compiled import compiled
from tasks.core.errors import SafetyError
from tasks.trades.fills import Fills


@dataclass(frozen=True)
class Receivable:
    """A dividend between its ex-date and its pay date; negative when owed on a short position."""

    company: int
    cents: int
    pay_row: int  # session, as a row of the world, before whose open it is paid


@dataclass(frozen=True)
class Account:
    """Cash, receivables and shares by company."""

    shares: Shares
    cash_cents: int
    receivables: tuple[Receivable, ...] = ()

    @property
    def receivable_cents(self) -> int:
        return sum(item.cents for item in self.receivables)


@dataclass(frozen=True)
class Flows:
    """Money that moved within one session, by company, and interest. Positive amounts increase equity, costs do not."""

    proceeds: Cents  # cash from positions: sales, cash in lieu, closed listings; less purchases
    dividends: Cents  # on the ex-date, paid or not
    costs: Cents
    borrow: Cents
    interest: int = 0

    def __add__(self, other: "Flows") -> "Flows":
        return Flows(
            self.proceeds + other.proceeds,
            self.dividends + other.dividends,
            self.costs + other.costs,
            self.borrow + other.borrow,
            self.interest + other.interest,
        )


@dataclass(frozen=True)
class Statement:
    """The account after a session's close, and why equity changed since the previous close.

    equity = cash + receivables + positions, and its change = price P&L + dividends + interest - costs - borrow.
    `invested_cents` is the sum of the positions, `change_cents` the change in equity that the flows explain.
    """

    cash_cents: int
    receivable_cents: int
    position_cents: Cents  # by company
    price_pnl: Cents  # by company, as are the following three
    dividends: Cents
    costs: Cents
    borrow: Cents
    interest: int
    invested_cents: int
    change_cents: int

    @property
    def equity_cents(self) -> int:
        return self.cash_cents + self.receivable_cents + self.invested_cents


def no_flows(companies: int, *, interest: int = 0) -> Flows:
    """Return flows that are empty but for the interest."""
    nothing = np.zeros(companies, dtype=np.int64)
    return Flows(nothing, nothing, nothing, nothing, interest)


def settle(account: Account, fills: Fills, moved: Flows) -> tuple[Account, Flows]:
    """Apply fills: shares and cash change at once, since T+1 settlement never delays a trade of a cash account.

    `moved` are the flows of the night before; they are returned with those of the fills.
    """
    shares, proceeds, change_cents, largest = _settled(
        account.shares, fills.buys, fills.sells, fills.price_cents, fills.cost_cents, moved.proceeds
    )
    refuse_too_large(largest)
    after = Account(shares, account.cash_cents + change_cents, account.receivables)
    return after, Flows(
        proceeds, moved.dividends, moved.costs + fills.cost_cents, moved.borrow, moved.interest
    )


def opening_statement(account: Account, price_cents: Cents) -> Statement:
    """Return the statement of an account before its first session: nothing has moved yet."""
    held = value_cents(account.shares, price_cents)
    nothing = np.zeros(len(held), dtype=np.int64)
    invested = int(held.sum())
    return Statement(
        account.cash_cents,
        account.receivable_cents,
        held,
        nothing,
        nothing,
        nothing,
        nothing,
        interest=0,
        invested_cents=invested,
        change_cents=0,
    )


def close_session(before: Statement, account: Account, flows: Flows, price_cents: Cents) -> Statement:
    """Value the account at the close. `flows` are all those since the statement before.

    Raises SafetyError when the flows do not explain the change in equity to the cent.
    """
    held, price_pnl, invested, gained, largest = _valued(
        account.shares,
        price_cents,
        before.position_cents,
        flows.proceeds,
        flows.dividends,
        flows.costs,
        flows.borrow,
    )
    refuse_too_large(largest)
    statement = Statement(
        account.cash_cents,
        account.receivable_cents,
        held,
        price_pnl,
        flows.dividends,
        flows.costs,
        flows.borrow,
        flows.interest,
        invested,
        gained + flows.interest,
    )
    unexplained = statement.equity_cents - before.equity_cents - statement.change_cents
    if unexplained:
        raise SafetyError(
            f"The account of the backtest does not balance: {unexplained} cents are unexplained.",
            remedy="This is a defect: run again with --debug and report it.",
            unexplained_cents=unexplained,
        )
    return statement


@compiled
def _settled(
    held: Shares, buys: Shares, sells: Shares, price_cents: Cents, cost_cents: Cents, moved: Cents
) -> tuple[Shares, Cents, int, float]:
    """Return shares after fills, proceeds with those before, the change in cash, the larger of buys and sells."""
    shares, proceeds = np.empty_like(held), np.empty_like(held)
    change, bought, sold = 0, 0.0, 0.0
    for line in range(len(held)):
        price = price_cents[line]
        received = (sells[line] - buys[line]) * price
        shares[line] = held[line] + buys[line] - sells[line]
        proceeds[line] = moved[line] + received
        change += received - cost_cents[line]
        bought += abs(float(buys[line]) * float(price))
        sold += abs(float(sells[line]) * float(price))
    return shares, proceeds, change, max(bought, sold)


@compiled
def _valued(
    shares: Shares,
    price_cents: Cents,
    before: Cents,
    proceeds: Cents,
    dividends: Cents,
    costs: Cents,
    borrow: Cents,
) -> tuple[Cents, Cents, int, int, float]:
    """Return value and price P&L by company, the total value, the total gain, and the total of absolute values."""
    held, price_pnl = np.empty_like(shares), np.empty_like(shares)
    invested, gained, largest = 0, 0, 0.0
    for line in range(len(shares)):
        held[line] = shares[line] * price_cents[line]
        price_pnl[line] = held[line] - before[line] + proceeds[line]
        invested += held[line]
        gained += price_pnl[line] + dividends[line] - costs[line] - borrow[line]
        largest += abs(float(shares[line]) * float(price_cents[line]))
    return held, price_pnl, invested, gained, largest
