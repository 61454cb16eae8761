"""The account balances to the cent through hostile sequences of events, and agrees with a slow second account."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.backtest.accounting.account import Account, close_session, opening_statement, settle
from tasks.backtest.accounting.overnight import Closing, Dividend, Night, Split, pass_night
from tasks.trades.fills import Fills
from tests.unit.backtest.slow_account import RATIOS, Day, SlowAccount

COMPANIES = 3

prices = st.integers(1, 10**7)  # cents
shares = st.integers(0, 10**6)
splits = st.sampled_from([2.0, 3.0, 1.5, 0.1, 0.01, 0.333333, 1.0, 1.281129, 0.0001, 1 / 7])
usd = st.sampled_from([0.0, 0.01, 0.125, 0.0178571, 1.005, 500.0])


def some_of(strategy):
    """Return the strategy of one value or None for each company."""
    return st.tuples(*[st.none() | strategy] * COMPANIES)


days = st.builds(
    Day,
    split=some_of(splits),
    dividend=some_of(usd),
    pays_in=st.integers(0, 4),
    closing=some_of(usd),
    is_stated=st.tuples(*[st.booleans()] * COMPANIES),
    days=st.integers(1, 5),
    interest_rate=st.sampled_from([0.0, 0.0525, -0.004, 0.1]),
    borrow_rate=st.sampled_from([0.0, 0.003, 0.8]),
    trade=st.tuples(*[st.integers(-(10**6), 10**6)] * COMPANIES),
    fill=st.tuples(*[prices] * COMPANIES),
    cost=st.tuples(*[st.integers(0, 10**5)] * COMPANIES),
    close=st.tuples(*[prices] * COMPANIES),
)


def night_of(row: int, day: Day) -> Night:
    def events(values):
        return [(company, value) for company, value in enumerate(values) if value is not None]

    return Night(
        row,
        day.days,
        day.interest_rate,
        day.borrow_rate,
        tuple(Split(*event) for event in events(day.split)),
        tuple(Dividend(*event, row + day.pays_in) for event in events(day.dividend)),
        tuple(Closing(c, value if day.is_stated[c] else None) for c, value in events(day.closing)),
    )


@given(
    held=st.tuples(*[st.integers(-(10**6), 10**6)] * COMPANIES),
    cash=st.integers(-(10**9), 10**12),
    first=st.tuples(*[prices] * COMPANIES),
    history=st.lists(days, min_size=1, max_size=6),
)
def test_every_cent_of_equity_is_explained_in_every_session(held, cash, first, history):
    account, price = Account(np.array(held), cash), np.array(first)
    statement = opening_statement(account, price)
    slow = SlowAccount(cash, list(held), list(first))

    for row, day in enumerate(history, start=1):
        account, night = pass_night(account, night_of(row, day), price_cents=price)
        trade = np.array(day.trade)
        fills = Fills(np.maximum(-trade, 0), np.maximum(trade, 0), np.array(day.fill), np.array(day.cost))
        account, flows = settle(account, fills, night)
        before, price = statement, np.array(day.close)
        statement = close_session(before, account, flows, price)
        pnl, other = slow.live(row, day)

        held_value = sum(int(n) * int(p) for n, p in zip(account.shares, price, strict=True))
        assert statement.equity_cents == account.cash_cents + account.receivable_cents + held_value
        assert statement.equity_cents - before.equity_cents == statement.change_cents
        assert statement.price_pnl.tolist() == pnl
        assert statement.change_cents - int(statement.price_pnl.sum()) == other
        assert account.shares.tolist() == slow.shares
        assert account.cash_cents == slow.cash
        assert account.receivable_cents == sum(cents for _, cents in slow.owed)


@given(
    held=st.tuples(*[shares] * COMPANIES),
    price=st.tuples(*[prices] * COMPANIES),
    split=some_of(splits),
)
def test_a_split_changes_what_is_owned_by_less_than_a_cent_of_rounding(held, price, split):
    day = Night(1, splits=tuple(Split(c, ratio) for c, ratio in enumerate(split) if ratio is not None))

    account, _ = pass_night(Account(np.array(held), 0), day, price_cents=np.array(price))

    exact = [
        Fraction(int(n)) * p / (Fraction(1) if ratio is None else _ratio(ratio))
        for n, p, ratio in zip(account.shares, price, split, strict=True)
    ]
    owned = account.cash_cents + sum(exact)
    assert abs(owned - sum(n * p for n, p in zip(held, price, strict=True))) <= Fraction(COMPANIES, 2)


def _ratio(split: float) -> Fraction:
    return min(RATIOS, key=lambda ratio: abs(ratio / Fraction(repr(split)) - 1))
