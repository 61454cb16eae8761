"""Balances, equity and returns are exact sums of entries."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.core.errors import DataError
from tasks.ledger.balance import Balance, balance_of, equity_cents, net_flows_cents, time_weighted_return
from tests.ledgers import entry


def test_a_balance_is_the_sum_of_entries_and_leaves_out_what_was_sold():
    booked = [
        entry("a", symbol="BBB", shares=10, cash_cents=-1_000),
        entry("b", symbol="AAA", shares="0.5", cash_cents=-7),
        entry("c", symbol="BBB", shares=-10, cash_cents=1_200, fee_cents=1),
    ]

    assert balance_of(booked) == Balance({"AAA": Decimal("0.5")}, 193, 0)
    assert balance_of([]) == Balance({}, 0, 0)


def test_a_dividend_is_a_receivable_from_its_ex_date_until_it_is_paid():
    due = entry("due", "dividend_due", symbol="AAA", receivable_cents=500)
    paid = entry("paid", "dividend", symbol="AAA", cash_cents=500, receivable_cents=-500)

    assert balance_of([due]) == Balance({}, 0, 500)
    assert balance_of([due, paid]) == Balance({}, 500, 0)
    assert equity_cents(balance_of([due]), {}) == equity_cents(balance_of([due, paid]), {}) == 500


def test_equity_counts_each_position_to_the_cent_and_needs_every_price():
    balance = Balance({"AAA": Decimal("0.5"), "BBB": Decimal(3)}, -100, 20)

    assert equity_cents(balance, {"AAA": Decimal("10.01"), "BBB": Decimal("1.001")}) == 500 + 300 - 100 + 20
    with pytest.raises(DataError, match="no price for BBB"):
        equity_cents(balance, {"AAA": Decimal(1)})


def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss():
    booked = [
        entry("d", "deposit", cash_cents=100, reason="r"),
        entry("w", "withdrawal", cash_cents=-30, reason="r"),
        entry("i", "interest", cash_cents=5),
    ]

    assert net_flows_cents(booked) == 70
    assert time_weighted_return([1000, 1100, 1070], [0, 100, -30]) == 0
    assert time_weighted_return([1000, 1200, 1320], [0, 100, 0]) == Fraction(11, 10) * Fraction(11, 10) - 1


def test_a_return_without_two_closes_is_zero_and_on_nothing_there_is_none():
    assert time_weighted_return([], []) == time_weighted_return([5], [5]) == 0
    with pytest.raises(DataError, match="0 cents"):
        time_weighted_return([0, 1], [0, 0])
