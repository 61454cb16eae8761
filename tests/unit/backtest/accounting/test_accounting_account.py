"""The account of a walk against third-party cases (oracles.md), to the cent and the share."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.backtest.accounting.account import (
    Account,
    Receivable,
    close_session,
    no_flows,
    opening_statement,
    settle,
)
from tasks.backtest.accounting.money import accrued_cents, payment_cents, to_cents, value_cents
from tasks.backtest.accounting.overnight import Closing, Dividend, Night, Split, pass_night
from tasks.core.errors import DataError, SafetyError
from tasks.trades.fills import Fills


def ints(*values):
    return np.array(values, dtype=np.int64)


def make_account(*shares, cash=0):
    return Account(ints(*shares), cash)


def make_fills(*, buys=(0,), sells=(0,), price, cost=None):
    return Fills(ints(*sells), ints(*buys), ints(*price), ints(*(cost or [0] * len(price))))


def night_after(account, *, price, **events):
    return pass_night(account, Night(row=1, **events), price_cents=ints(*price))


# O1: LEAN's DividendRegressionAlgorithm; of its 33 dividends only the sum is given, 13.26 a share
def test_o1_512_shares_with_33_dividends_end_at_the_published_equity():
    start = make_account(0, cash=100_000_00)
    price = to_cents(np.array([97.84]))
    account, flows = settle(start, make_fills(buys=[512], price=price, cost=[2_56]), no_flows(1))
    statement = close_session(opening_statement(start, price), account, flows, price)

    for row, usd in enumerate([0.40] * 32 + [0.46], start=1):
        account, flows = pass_night(
            account, Night(row, dividends=(Dividend(0, usd, row + 1),)), price_cents=price
        )
        statement = close_session(statement, account, flows, price)
    account, flows = pass_night(account, Night(row=34), price_cents=price)
    statement = close_session(statement, account, flows, to_cents(np.array([124.55])))

    assert statement.equity_cents == 120_462_08
    assert account.cash_cents == 100_000_00 - 512 * 97_84 - 2_56 + 6_789_12
    assert statement.receivable_cents == 0


# O3: LEAN's DelistingEventsAlgorithm
def test_o3_cash_after_a_purchase_and_a_sale_is_the_published_one():
    account = make_account(0, cash=100_000_00)
    account, flows = settle(account, make_fills(buys=[3670], price=[27_22], cost=[18_35]), no_flows(1))
    account, _ = settle(account, make_fills(sells=[3670], price=[25_71], cost=[18_35]), flows)

    assert account.cash_cents == 94_421_60
    assert account.shares.tolist() == [0]


# O5: zipline's TestDailyEquityAutoClose, filled at the close after the decision
def test_o5_listings_that_end_are_closed_two_sessions_after_their_last_bar():
    last_rows = [2, 4, 6]
    nothing, ten = [0, 0, 0], [10, 10, 10]
    account = make_account(0, 0, 0, cash=100_000)
    price = ints(10, 20, 30)
    statement = opening_statement(account, price)
    cash, positions = [account.cash_cents], [0]

    for row in range(1, 7):
        closings = tuple(Closing(c, None) for c, last in enumerate(last_rows) if row == last + 2)
        account, night = pass_night(account, Night(row, closings=closings), price_cents=price)
        price = ints(*(10 + 10 * c + min(row, last) for c, last in enumerate(last_rows)))
        fills = make_fills(buys=ten if row == 1 else nothing, sells=nothing, price=price)
        account, flows = settle(account, fills, night)
        statement = close_session(statement, account, flows, price)
        cash.append(account.cash_cents)
        positions.append(np.count_nonzero(account.shares))

    assert cash == [100000, 99370, 99370, 99370, 99490, 99490, 99730]
    assert positions == [0, 3, 3, 3, 2, 2, 1]


# O6
def test_o6_a_split_changes_the_shares_and_nothing_else():
    before = opening_statement(make_account(1), ints(780_00))

    account, flows = night_after(make_account(1), price=[780_00], splits=(Split(0, 2.0),))
    after = close_session(before, account, flows, ints(390_00))

    assert account.shares.tolist() == [2]
    assert (account.cash_cents, after.equity_cents, after.change_cents) == (0, 780_00, 0)


# O14: zipline 332
def test_o14_a_reverse_split_pays_the_fraction_at_the_market_price_and_nothing_fails_later():
    account, flows = night_after(make_account(9), price=[50], splits=(Split(0, 0.01),))
    later, _ = night_after(
        account,
        price=[50_00],
        splits=(Split(0, 0.5),),
        dividends=(Dividend(0, 1.0, 1),),
        closings=(Closing(0, None),),
    )

    assert account.shares.tolist() == [0]
    assert account.cash_cents == flows.proceeds[0] == 4_50
    assert later == replace(account, shares=later.shares)
    assert later.shares.tolist() == [0]


# O15
def test_o15_a_dividend_is_a_receivable_from_the_ex_date_until_it_is_paid():
    before = opening_statement(make_account(1000), ints(50_00))

    tuesday, flows = night_after(make_account(1000), price=[50_00], dividends=(Dividend(0, 1.0, 11),))
    ex_date = close_session(before, tuesday, flows, ints(49_00))
    day_before, _ = pass_night(tuesday, Night(row=10), price_cents=ints(49_00))
    paid, _ = pass_night(tuesday, Night(row=11), price_cents=ints(49_00))

    assert ex_date.change_cents == 0
    assert (ex_date.price_pnl[0], ex_date.dividends[0]) == (-1_000_00, 1_000_00)
    assert tuesday.receivables == (Receivable(0, 1_000_00, 11),)
    assert (day_before.cash_cents, day_before.receivable_cents) == (0, 1_000_00)
    assert (paid.cash_cents, paid.receivable_cents) == (1_000_00, 0)


def test_a_dividend_belongs_to_the_shares_held_at_the_close_before():
    account, _ = night_after(make_account(0), price=[50_00], dividends=(Dividend(0, 1.0, 1),))

    assert account.receivables == ()


def test_a_dividend_of_the_day_of_a_split_is_per_new_share():
    account, _ = night_after(
        make_account(10), price=[50_00], splits=(Split(0, 2.0),), dividends=(Dividend(0, 1.0, 5),)
    )

    assert account.receivable_cents == 20_00


def test_whole_shares_remain_when_a_file_rounds_a_third():
    account, _ = night_after(make_account(30), price=[10_00], splits=(Split(0, 0.333333),))

    assert (account.shares.tolist(), account.cash_cents) == ([10], 0)


def test_a_listing_ends_at_the_stated_amount_or_else_at_the_last_price():
    account, flows = night_after(
        make_account(10, 10, 10),
        price=[7_00, 7_00, 7_00],
        closings=(Closing(0, None), Closing(1, 0.0), Closing(2, 8.125)),
    )

    assert flows.proceeds.tolist() == [70_00, 0, 81_25]
    assert (account.shares.tolist(), account.cash_cents) == ([0, 0, 0], 151_25)


def test_a_listing_that_splits_and_ends_on_one_night_is_worth_what_it_was():
    account, _ = night_after(
        make_account(10), price=[7_00], splits=(Split(0, 2.0),), closings=(Closing(0, None),)
    )

    assert account.cash_cents == 70_00


def test_cash_earns_interest_for_the_days_since_the_last_session():
    account, flows = night_after(make_account(cash=1_000_000_00), price=[], days=3, interest_rate=0.036)

    assert flows.interest == 300_00
    assert account.cash_cents == 1_000_300_00


def test_a_short_position_pays_borrow_and_the_dividend():
    account, flows = night_after(
        make_account(-100, cash=10_000_00),
        price=[36_00],
        days=1,
        borrow_rate=0.1,
        dividends=(Dividend(0, 0.5, 9),),
    )

    assert flows.borrow.tolist() == [1_00]
    assert account.cash_cents == 9_999_00
    assert account.receivable_cents == -50_00


def test_an_unexplained_cent_is_refused():
    account = make_account(1, cash=100)
    before = opening_statement(account, ints(5))

    with pytest.raises(SafetyError, match="1 cents are unexplained"):
        close_session(before, replace(account, cash_cents=101), no_flows(1), ints(5))


def test_an_account_beyond_64_bits_is_refused():
    with pytest.raises(DataError, match="worth more than an account can hold"):
        value_cents(ints(10**12, 10**12), ints(10**9, 10**9))


@pytest.mark.parametrize("traded", [{"buys": [10**12] * 2}, {"sells": [10**12] * 2}])
def test_fills_beyond_64_bits_are_refused(traded):
    fills = make_fills(**{"buys": [0, 0], "sells": [0, 0], **traded}, price=[10**9] * 2)

    with pytest.raises(DataError, match="worth more than an account can hold"):
        settle(make_account(0, 0), fills, no_flows(2))


@pytest.mark.parametrize("shares", [10**12, -(10**12)])
def test_a_close_beyond_64_bits_is_refused(shares):
    account = make_account(shares, shares)
    before = opening_statement(account, ints(1, 1))

    with pytest.raises(DataError, match="worth more than an account can hold"):
        close_session(before, account, no_flows(2), ints(10**9, 10**9))


def test_a_payment_is_rounded_once_from_the_decimals_as_written():
    assert payment_cents(1000, 0.00125) == 125  # in binary, 0.00125 is a little more
    assert payment_cents(1, 0.125) == 12  # half to even
    assert payment_cents(3, 0.115) == 34  # 34.5
    assert payment_cents(-3, 0.115) == -34
    assert accrued_cents(-100_00, 0.072, 1) == -2


def test_a_price_that_cannot_be_used_is_zero():
    assert to_cents(np.array([np.nan, np.inf, -1.0, 0.0, 12.345, 0.004])).tolist() == [0, 0, 0, 0, 1234, 0]
