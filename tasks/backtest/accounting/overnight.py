"""Apply the events between a close and the next open to an account, in the order of a real day.

Interest on the cash and borrow on short positions for the days since the last session; splits; dividends, which are
receivable from the ex-date on for the shares held at the previous close; payment of those that are due; closing of
listings that have ended. A symbol change needs no step, because positions belong to companies.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from tasks.backtest.accounting.account import Account, Flows, Receivable, no_flows
from tasks.backtest.accounting.money import Cents, Shares, accrued_cents, payment_cents, value_cents
from tasks.portfolio.holdings.split_ratios import exact_ratio, split_shares


class Split(NamedTuple):
    """New shares per old share of a company, effective before the open."""

    company: int
    split: float


class Dividend(NamedTuple):
    """USD per share after any split of the same day, and the session before whose open it is paid."""

    company: int
    usd_per_share: float
    pay_row: int


class Closing(NamedTuple):
    """The end of a listing: what a holder receives per share; None: the last price."""

    company: int
    usd_per_share: float | None


@dataclass(frozen=True)
class Night:
    """The events before one session's open. At most one split, dividend and closing of each company."""

    row: int  # the session, as a row of the world
    days: int = 1  # calendar days since the session before
    interest_rate: float = 0.0  # yearly, on cash
    borrow_rate: float = 0.0  # yearly, on the value of short positions
    splits: tuple[Split, ...] = ()
    dividends: tuple[Dividend, ...] = ()
    closings: tuple[Closing, ...] = field(default=())


def pass_night(account: Account, night: Night, *, price_cents: Cents) -> tuple[Account, Flows]:
    """Return the account before the open. `price_cents` are the closes of the session before, or last known prices."""
    steps = (
        (_split, bool(night.splits)),
        (_declare_dividends, bool(night.dividends)),
        (_pay, bool(night.dividends or account.receivables)),
        (_close, bool(night.closings)),
    )
    account, flows = _accrue(account, night, price_cents)
    for step, happens in steps:
        if happens:
            account, moved = step(account, night, price_cents)
            flows = flows + moved
    return account, flows


def _accrue(account: Account, night: Night, price_cents: Cents) -> tuple[Account, Flows]:
    interest = accrued_cents(account.cash_cents, night.interest_rate, night.days)
    flows = no_flows(len(account.shares), interest=interest)
    after = Account(account.shares, account.cash_cents + interest, account.receivables)
    if not night.borrow_rate or not (account.shares < 0).any():
        return after, flows
    short = value_cents(np.maximum(-account.shares, 0), price_cents)
    borrow = _by_company(
        account,
        (
            (c, accrued_cents(int(short[c]), night.borrow_rate, night.days))
            for c in np.flatnonzero(short).tolist()
        ),
    )
    return replace(after, cash_cents=after.cash_cents - int(borrow.sum())), replace(flows, borrow=borrow)


def _split(account: Account, night: Night, price_cents: Cents) -> tuple[Account, Flows]:
    """Carry shares by the exact ratio; a fraction is paid out at the last price, never at cost."""
    shares = account.shares.copy()
    in_lieu = np.zeros(len(shares), dtype=np.int64)
    for company, split in night.splits:
        exact = split_shares(int(shares[company]), [split])
        whole = int(exact)  # toward zero, for short positions too
        old_shares = (exact - whole) / exact_ratio(split)  # the price is one of an old share
        in_lieu[company] = round(old_shares * int(price_cents[company]))
        shares[company] = whole
    after = replace(account, shares=shares, cash_cents=account.cash_cents + int(in_lieu.sum()))
    return after, replace(no_flows(len(shares)), proceeds=in_lieu)


def _declare_dividends(account: Account, night: Night, _: Cents) -> tuple[Account, Flows]:
    owed = [
        Receivable(company, payment_cents(int(account.shares[company]), usd), pay_row)
        for company, usd, pay_row in night.dividends
        if account.shares[company]
    ]
    amounts = _by_company(account, ((item.company, item.cents) for item in owed))
    after = replace(account, receivables=(*account.receivables, *owed))
    return after, replace(no_flows(len(amounts)), dividends=amounts)


def _pay(account: Account, night: Night, _: Cents) -> tuple[Account, Flows]:
    due = sum(item.cents for item in account.receivables if item.pay_row <= night.row)
    left = tuple(item for item in account.receivables if item.pay_row > night.row)
    after = replace(account, cash_cents=account.cash_cents + due, receivables=left)
    return after, no_flows(len(account.shares))


def _close(account: Account, night: Night, price_cents: Cents) -> tuple[Account, Flows]:
    """Close listings that ended. Without a stated amount the last price is paid, for the shares before splits."""
    shares = account.shares.copy()
    ratio = {company: exact_ratio(split) for company, split in night.splits}
    proceeds = np.zeros(len(shares), dtype=np.int64)
    for company, usd in night.closings:
        held = int(shares[company])
        proceeds[company] = (
            round(held / ratio.get(company, exact_ratio(1)) * int(price_cents[company]))
            if usd is None
            else payment_cents(held, usd)
        )
        shares[company] = 0
    after = replace(account, shares=shares, cash_cents=account.cash_cents + int(proceeds.sum()))
    return after, replace(no_flows(len(shares)), proceeds=proceeds)


def _by_company(account: Account, amounts: Iterable[tuple[int, int]]) -> Shares:
    result = np.zeros(len(account.shares), dtype=np.int64)
    for company, cents in amounts:
        result[company] += cents
    return result
