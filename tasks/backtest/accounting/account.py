"""The account of a backtest: whole shares by company, cash and dividends receivable, in whole cents.

A position belongs to a company, which is a column of the world, so a symbol change does not affect it. Shares may be
negative (short). Makes no decisions and reads no data; every step returns a new account and the money that moved.
"""

from dataclasses import dataclass, replace

import numpy as np

from tasks.backtest.accounting.money import Cents, Shares, value_cents
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
    """

    cash_cents: int
    receivable_cents: int
    position_cents: Cents  # by company
    price_pnl: Cents  # by company, as are the following three
    dividends: Cents
    costs: Cents
    borrow: Cents
    interest: int

    @property
    def equity_cents(self) -> int:
        return self.cash_cents + self.receivable_cents + int(self.position_cents.sum())

    @property
    def change_cents(self) -> int:
        """The change of equity that the flows explain."""
        gained = self.price_pnl + self.dividends - self.costs - self.borrow
        return int(gained.sum()) + self.interest


def no_flows(companies: int) -> Flows:
    """Return empty flows."""
    nothing = np.zeros(companies, dtype=np.int64)
    return Flows(nothing, nothing, nothing, nothing)


def settle(account: Account, fills: Fills) -> tuple[Account, Flows]:
    """Apply fills: shares and cash change at once, since T+1 settlement never delays a trade of a cash account."""
    bought, sold = (value_cents(shares, fills.price_cents) for shares in (fills.buys, fills.sells))
    proceeds = sold - bought
    after = replace(
        account,
        shares=account.shares + fills.buys - fills.sells,
        cash_cents=account.cash_cents + int(proceeds.sum()) - int(fills.cost_cents.sum()),
    )
    return after, replace(no_flows(len(account.shares)), proceeds=proceeds, costs=fills.cost_cents)


def opening_statement(account: Account, price_cents: Cents) -> Statement:
    """Return the statement of an account before its first session: nothing has moved yet."""
    nothing = no_flows(len(account.shares))
    held = value_cents(account.shares, price_cents)
    return Statement(
        account.cash_cents,
        account.receivable_cents,
        held,
        nothing.proceeds,
        nothing.dividends,
        nothing.costs,
        nothing.borrow,
        0,
    )


def close_session(before: Statement, account: Account, flows: Flows, price_cents: Cents) -> Statement:
    """Value the account at the close. `flows` are all those since the statement before.

    Raises SafetyError when the flows do not explain the change of equity to the cent.
    """
    held = value_cents(account.shares, price_cents)
    statement = Statement(
        account.cash_cents,
        account.receivable_cents,
        held,
        held - before.position_cents + flows.proceeds,
        flows.dividends,
        flows.costs,
        flows.borrow,
        flows.interest,
    )
    unexplained = statement.equity_cents - before.equity_cents - statement.change_cents
    if unexplained:
        raise SafetyError(
            f"The account of the backtest does not balance: {unexplained} cents are unexplained.",
            remedy="This is a defect: run again with --debug and report it.",
            unexplained_cents=unexplained,
        )
    return statement
