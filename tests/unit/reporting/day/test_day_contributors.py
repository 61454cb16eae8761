"""What each name contributed to the account's change, against a small account that is reckoned by hand."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.ledger.balance import NameCash
from tasks.portfolio.schema import Book, Holding
from tasks.reporting.day.contributors import contributors_since, worth_of

MONDAY, TUESDAY, FRIDAY = date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 14)


def book(holdings, cents, **known):
    held = tuple(Holding(symbol, shares, price, has_quote=True) for symbol, shares, price in holdings)
    names = NameCash(cents, **known)
    return Book(FRIDAY, held, 0.0, 1.0, names=names)


BEFORE = {
    "AAA": 100_00,
    "BBB": -5_00,
    "": 0,
}  # AAA was bought for 900.00 and is worth 1,000.00; BBB was sold at a loss


def test_a_name_contributes_what_its_shares_gained_and_what_it_paid_and_sales_and_purchases_are_not_a_gain():
    """AAA rises by 50.00 and pays 2.00; 400.00 of it are sold; CCC is bought for 300.10 and falls by 10.00."""
    now = book(
        [("AAA", 65.0, 10.0), ("CCC", 29.0, 10.0)],
        {"AAA": -900_00 + 400_00 + 2_00, "BBB": -5_00, "CCC": -300_10, "": 3_10},
    )

    found = contributors_since(MONDAY, BEFORE, now, change_cents=45_00)

    assert found.names == (("AAA", 52_00), ("CCC", -10_10))
    assert (found.other_cents, found.unexplained_cents, found.cents) == (3_10, 0, 45_00)


@pytest.mark.parametrize(
    ("more", "other", "unexplained"), [(2, 3_12, 0), (-2, 3_08, 0), (3, 3_10, 3), (-9_00, 3_10, -9_00)]
)
def test_what_neither_names_nor_interest_explain_is_not_called_interest(more, other, unexplained):
    now = book([("AAA", 100.0, 10.5)], {"AAA": -900_00, "BBB": -5_00, "": 3_10})

    found = contributors_since(MONDAY, BEFORE, now, change_cents=53_10 + more)

    assert found.names == (("AAA", 50_00),)
    assert (found.other_cents, found.unexplained_cents) == (other, unexplained)


def test_shares_are_worth_whole_cents_and_what_rounding_takes_is_no_names():
    now = book([("AAA", 1.0, 10.006), ("BBB", 1.0, 10.006), ("CCC", 1.0, 10.006)], {"": 5})

    assert worth_of(now) == {"": 5 - 1, "AAA": 10_01, "BBB": 10_01, "CCC": 10_01}


def test_a_day_that_did_not_keep_what_is_no_names_has_no_contributions():
    now = book([("AAA", 100.0, 10.0)], {"AAA": -900_00})

    assert contributors_since(MONDAY, {"AAA": 100_00}, now, change_cents=0) is None


def test_symbol_changes_of_one_session_happen_at_once():
    """AAA has become BBB and gained 100.00; what was BBB is CCC and gained nothing."""
    held = NameCash({"AAA": -1_000_00, "BBB": -500_00, "": 0}).renamed(FRIDAY, {"AAA": "BBB", "BBB": "CCC"})
    now = replace(book([("BBB", 10.0, 110.0), ("CCC", 10.0, 50.0)], {}), names=held)

    found = contributors_since(MONDAY, {"AAA": 0, "BBB": 0, "": 0}, now, change_cents=100_00)

    assert found.names == (("BBB", 100_00),)
    assert found.unexplained_cents == 0


def test_a_name_is_followed_through_the_changes_of_several_sessions():
    changes = ((FRIDAY, "BBB", "CCC"), (TUESDAY, "AAA", "BBB"))
    now = book([("CCC", 10.0, 110.0)], {"CCC": -1_000_00}, renames=changes)

    found = contributors_since(MONDAY, {"AAA": 60_00, "": 0}, now, change_cents=40_00)

    assert found.names == (("CCC", 40_00),)


def test_a_name_that_takes_the_symbol_of_one_that_was_sold_contributes_with_it():
    now = book([("BBB", 10.0, 110.0)], {"BBB": -1_000_00 - 5_00}, renames=((FRIDAY, "AAA", "BBB"),))

    found = contributors_since(MONDAY, {"AAA": 60_00, "BBB": -5_00, "": 0}, now, change_cents=40_00)

    assert found.names == (("BBB", 40_00),)


def test_a_name_that_was_sold_keeps_what_it_earned():
    sold = book([], {"AAA": -900_00 + 1_030_00, "BBB": -5_00})

    assert contributors_since(MONDAY, BEFORE, sold, change_cents=30_00).names == (("AAA", 30_00),)


def test_a_symbol_change_is_not_a_contribution():
    now = book([("NEW", 100.0, 10.5)], {"NEW": -900_00, "BBB": -5_00}, renames=((FRIDAY, "AAA", "NEW"),))

    assert contributors_since(MONDAY, BEFORE, now, change_cents=50_00).names == (("NEW", 50_00),)
    reused = replace(now, names=replace(now.names, renames=((MONDAY, "BBB", "NEW"),)))
    assert dict(
        contributors_since(MONDAY, {"NEW": 100_00, "BBB": -5_00, "": 0}, reused, change_cents=0).names
    ) == {"NEW": 50_00}


@pytest.mark.parametrize("opened", [FRIDAY, date(2024, 6, 11)])
def test_a_ledger_that_began_with_shares_does_not_know_what_they_cost_before(opened):
    now = book([("AAA", 100.0, 10.0)], {}, opened=opened)

    assert contributors_since(MONDAY, {"AAA": 1_000_00, "": 0}, now, change_cents=0) is None
    assert contributors_since(opened, {"AAA": 1_000_00, "": 0}, now, change_cents=0).names == ()


def test_shares_without_a_ledger_have_no_contributions():
    now = replace(book([("AAA", 100.0, 10.0)], {}), names=None)

    assert worth_of(now) is None
    assert contributors_since(MONDAY, {"": 0}, now, change_cents=0) is None
    assert contributors_since(MONDAY, None, book([], {}), change_cents=0) is None
