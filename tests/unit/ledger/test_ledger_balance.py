"""Balances, equity and returns are exact sums of entries."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import DataError
from tasks.ledger.balance import Balance, NameCash, balance_of, cash_by_name, equity_cents, net_flows_cents
from tests.ledgers import DAY, entry


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


def test_a_name_brought_what_its_sales_and_dividends_paid_less_what_its_purchases_cost():
    booked = [
        entry("d", "deposit", cash_cents=9_000),
        entry("a", symbol="AAA", shares=10, cash_cents=-1_000, fee_cents=2),
        entry("b", symbol="AAA", shares=-4, cash_cents=500),
        entry("i", "interest", cash_cents=7),
        entry("due", "dividend_due", symbol="AAA", receivable_cents=30),
        entry("paid", "dividend", symbol="AAA", cash_cents=30, receivable_cents=-30),
        entry("c", symbol="BBB", shares=1, cash_cents=-40),
        entry("e", "dividend_due", symbol="BBB", receivable_cents=5),
        entry("f", "fee", cash_cents=-3),
    ]

    assert cash_by_name(booked) == NameCash({"AAA": -470, "BBB": -35, "": 4})
    assert cash_by_name([entry("o", "opening", cash_cents=9_000)]) == NameCash({})


def test_what_a_renamed_name_brought_is_under_its_new_symbol():
    booked = [
        entry("a", symbol="AAA", shares=10, cash_cents=-1_000),
        entry("rename:AAA:NEW:x:out", "rename", symbol="AAA", shares=-10),
        entry("rename:AAA:NEW:x:in", "rename", symbol="NEW", shares=10),
        entry("b", symbol="NEW", shares=-10, cash_cents=1_100),
    ]

    found = cash_by_name(booked)

    assert found == NameCash({"NEW": 100}, ((booked[1].session, "AAA", "NEW"),))


A_TO_B = [
    entry("rename:AAA:BBB:x:out", "rename", symbol="AAA", shares=-10),
    entry("rename:AAA:BBB:x:in", "rename", symbol="BBB", shares=10),
]
B_TO_C = [
    entry("rename:BBB:CCC:x:out", "rename", symbol="BBB", shares=-5),
    entry("rename:BBB:CCC:x:in", "rename", symbol="CCC", shares=5),
]
B_TO_A = [
    entry("rename:BBB:AAA:x:out", "rename", symbol="BBB", shares=-5),
    entry("rename:BBB:AAA:x:in", "rename", symbol="AAA", shares=5),
]


@pytest.mark.parametrize(
    ("changes", "brought"),
    [
        ([*A_TO_B, *B_TO_C], {"BBB": -1_000, "CCC": -500}),
        ([*B_TO_C, *A_TO_B], {"BBB": -1_000, "CCC": -500}),
        ([*A_TO_B, *B_TO_A], {"BBB": -1_000, "AAA": -500}),
    ],
)
def test_symbol_changes_of_one_session_happen_at_once(changes, brought):
    bought = [
        entry("a", symbol="AAA", shares=10, cash_cents=-1_000),
        entry("b", symbol="BBB", shares=5, cash_cents=-500),
    ]

    assert cash_by_name([*bought, *changes]).cents == brought


def test_symbol_changes_of_two_sessions_follow_each_other():
    bought = entry("a", symbol="AAA", shares=10, cash_cents=-1_000)
    later = [replace(each, session=DAY + timedelta(days=1)) for each in B_TO_C]

    assert cash_by_name([bought, *A_TO_B, *later]).cents == {"CCC": -1_000}


def test_a_new_symbol_keeps_what_it_brought_under_its_own_name():
    held = NameCash({"AAA": -1_000, "BBB": 30}).renamed(DAY, {"AAA": "BBB"})

    assert held == NameCash({"BBB": -970}, ((DAY, "AAA", "BBB"),))


def test_a_ledger_that_was_opened_twice_began_with_the_last_opening():
    first = entry("s", "opening", symbol="AAA", shares=1)
    last = entry("t", "opening", symbol="BBB", shares=1, session=DAY + timedelta(days=1))

    assert cash_by_name([first, last]).opened == last.session


def test_a_ledger_that_begins_with_shares_says_when_and_one_that_begins_with_cash_does_not():
    cash, shares = entry("c", "opening", cash_cents=100), entry("s", "opening", symbol="AAA", shares=1)

    assert cash_by_name([cash]).opened is None
    assert cash_by_name([cash, shares]).opened == shares.session


def test_flows_are_deposits_minus_withdrawals():
    booked = [
        entry("d", "deposit", cash_cents=100, reason="r"),
        entry("w", "withdrawal", cash_cents=-30, reason="r"),
        entry("i", "interest", cash_cents=5),
    ]

    assert net_flows_cents(booked) == 70
