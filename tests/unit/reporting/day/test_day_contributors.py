"""What each name contributed to the account's change, against a small account that is reckoned by hand."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.ledger.balance import NameCash
from tasks.portfolio.schema import Book, Holding
from tasks.reporting.day.contributors import contributors_since, worth_of

MONDAY, FRIDAY = date(2024, 6, 10), date(2024, 6, 14)


def book(holdings, cents, **known):
    held = tuple(Holding(symbol, shares, price, has_quote=True) for symbol, shares, price in holdings)
    names = NameCash(cents, **known)
    return Book(FRIDAY, held, 0.0, 1.0, names=names)


BEFORE = {
    "AAA": 100_00,
    "BBB": -5_00,
}  # AAA was bought for 900.00 and is worth 1,000.00; BBB was sold at a loss


def test_a_name_contributes_what_its_shares_gained_and_what_it_paid_and_sales_and_purchases_are_no_gain():
    """AAA rises by 50.00 and pays 2.00; 400.00 of it are sold; CCC is bought for 300.10 and falls by 10.00."""
    now = book(
        [("AAA", 65.0, 10.0), ("CCC", 29.0, 10.0)],
        {"AAA": -900_00 + 400_00 + 2_00, "BBB": -5_00, "CCC": -300_10},
    )

    found = contributors_since(MONDAY, BEFORE, now, change_cents=45_00)

    assert found.names == (("AAA", 52_00), ("CCC", -10_10))
    assert found.other_cents == 45_00 - 41_90
    assert sum(cents for _, cents in found.names) + found.other_cents == found.cents


def test_a_name_that_was_sold_keeps_what_it_earned():
    sold = book([], {"AAA": -900_00 + 1_030_00, "BBB": -5_00})

    assert contributors_since(MONDAY, BEFORE, sold, change_cents=30_00).names == (("AAA", 30_00),)


def test_a_symbol_change_is_no_contribution():
    now = book([("NEW", 100.0, 10.5)], {"NEW": -900_00, "BBB": -5_00}, renames=((FRIDAY, "AAA", "NEW"),))

    assert contributors_since(MONDAY, BEFORE, now, change_cents=50_00).names == (("NEW", 50_00),)
    reused = replace(now, names=replace(now.names, renames=((MONDAY, "BBB", "NEW"),)))
    assert dict(contributors_since(MONDAY, {"NEW": 100_00, "BBB": -5_00}, reused, change_cents=0).names) == {
        "NEW": 50_00
    }


@pytest.mark.parametrize("opened", [FRIDAY, date(2024, 6, 11)])
def test_a_ledger_that_began_with_shares_does_not_know_what_they_cost_before(opened):
    now = book([("AAA", 100.0, 10.0)], {}, opened=opened)

    assert contributors_since(MONDAY, {"AAA": 1_000_00}, now, change_cents=0) is None
    assert contributors_since(opened, {"AAA": 1_000_00}, now, change_cents=0).names == ()


def test_shares_without_a_ledger_have_no_contributions():
    now = replace(book([("AAA", 100.0, 10.0)], {}), names=None)

    assert worth_of(now) is None
    assert contributors_since(MONDAY, {}, now, change_cents=0) is None
    assert contributors_since(MONDAY, None, book([], {}), change_cents=0) is None
