"""Dividends between ex-date and payment, and splits that a vendor states."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.execution.reconciliation.schema import CorporateAction, Market
from tasks.ledger.balance import balance_of
from tasks.ledger.entries import Entry
from tests.reconciling import (
    AT,
    CASH_CENTS,
    HELD,
    OPENED,
    TODAY,
    activity,
    opening,
    reconciled,
    shifted,
    statement,
)

DAY = timedelta(days=1)
DIVIDEND = Market((CorporateAction("AAPL", TODAY, Decimal("0.24")),))


def split(ratio, before=None, after=None, ex_date=TODAY):
    prices = [None if price is None else Decimal(price) for price in (before, after)]
    return Market((CorporateAction("AAPL", ex_date, Decimal(0), Fraction(ratio), *prices),))


def later(found, days=1, entries=None):
    return {
        "entries": (*(entries or opening()), *found.bookings),
        "today": TODAY + days * DAY,
        "at": AT + days * DAY,
        "locks": found.locks,
    }


def test_a_dividend_is_receivable_from_its_ex_date_on():
    before = reconciled(statement(), market=DIVIDEND, today=TODAY - DAY)
    found = reconciled(statement(), market=DIVIDEND)
    waiting = reconciled(statement(), market=DIVIDEND, **later(found, 20))

    assert before.differences == ()
    assert [(e.kind, e.receivable_cents, e.session) for e in found.bookings] == [
        ("dividend_due", 2_400, TODAY)
    ]
    assert (found.locks, waiting.differences) == ((), ())


@pytest.mark.parametrize("paid", [2_400, 1_680])  # in full; less a withheld tax
def test_a_payment_settles_the_receivable(paid):
    due = reconciled(statement(), market=DIVIDEND)
    event = activity("dividend", symbol="AAPL", cents=paid, on=TODAY + 20 * DAY)
    found = reconciled(statement(HELD, CASH_CENTS + paid, event), market=DIVIDEND, **later(due, 20))

    after = balance_of((*opening(), *due.bookings, *found.bookings))
    assert (after.cash_cents, after.receivable_cents, found.locks) == (CASH_CENTS + paid, 0, ())


def test_two_payments_on_one_day_settle_two_receivables():
    market = Market(
        (
            CorporateAction("AAPL", TODAY, Decimal("0.24")),
            CorporateAction("AAPL", TODAY + DAY, Decimal("0.24")),
        )
    )
    due = reconciled(statement(), market=market, today=TODAY + DAY)
    paid = [activity("dividend", name, "AAPL", cents=2_400, on=TODAY + 9 * DAY) for name in ("a1", "a2")]
    found = reconciled(statement(HELD, CASH_CENTS + 4_800, *paid), market=market, **later(due, 9))

    assert len(due.bookings) == 2
    assert balance_of((*opening(), *due.bookings, *found.bookings)).receivable_cents == 0


def test_a_dividend_paid_before_the_lake_knew_it_is_not_due_again():
    paid = activity("dividend", symbol="AAPL", cents=2_400)
    seen = statement(HELD, CASH_CENTS + 2_400, paid)
    first = reconciled(seen)
    found = reconciled(seen, market=DIVIDEND, **later(first))

    assert (len(first.bookings), found.differences) == (1, ())


def test_a_dividend_is_due_on_the_shares_held_before_its_ex_date():
    bought = Entry("fill", "o:1", TODAY, AT, "AAPL", Decimal(10), -200_000)
    found = reconciled(
        statement(shifted(AAPL=10), CASH_CENTS - 200_000), (*opening(), bought), market=DIVIDEND
    )

    assert found.bookings[0].receivable_cents == 2_400


def test_a_dividend_of_the_opening_session_is_part_of_the_opening():
    market = Market((CorporateAction("AAPL", OPENED, Decimal("0.24")),))

    assert reconciled(statement(), market=market).differences == ()


def test_a_dividend_that_is_never_paid_locks_its_name_in_a_live_account():
    due = reconciled(statement(), market=DIVIDEND)
    on_time = reconciled(statement(), market=DIVIDEND, **later(due, 60))
    late = reconciled(statement(), market=DIVIDEND, **later(due, 61))

    assert (on_time.differences, late.locked_symbols) == ((), {"AAPL"})
    assert late.differences[0].proposal is not None
    assert late.differences[0].proposal.receivable_cents == -2_400


@pytest.mark.parametrize(
    ("prices", "fraction"), [((400, 101), True), ((None, None), True), ((400, 395), False)]
)
def test_a_split_that_the_broker_applied_is_booked_unless_the_price_contradicts_it(prices, fraction):
    found = reconciled(statement(shifted(AAPL=300)), market=split(4, *prices))

    assert [e.shares for e in found.bookings] == ([300] if fraction else [])
    assert found.locked_symbols == (set() if fraction else {"AAPL"})


def test_a_split_that_the_price_confirms_is_booked_before_the_broker_applies_it():
    found = reconciled(statement(), market=split(4, 400, 101))
    again = reconciled(statement(), market=split(4, 400, 101), **later(found, 1))
    applied = reconciled(statement(shifted(AAPL=300)), market=split(4, 400, 101), **later(found, 1))

    assert [e.shares for e in found.bookings] == [300]
    assert (found.locked_symbols, again.locked_symbols) == ({"AAPL"}, {"AAPL"})
    assert (found.locks[0].difference_id, applied.differences) == (again.locks[0].difference_id, ())


def test_the_broker_s_activity_of_a_split_booked_from_the_lake_adds_nothing():
    found = reconciled(statement(shifted(AAPL=300)), market=split(4, 400, 101))
    event = activity("split", symbol="AAPL", shares=300, on=TODAY + DAY)
    again = reconciled(
        statement(shifted(AAPL=300), CASH_CENTS, event), market=split(4, 400, 101), **later(found)
    )

    assert [(e.source, e.shares) for e in again.bookings] == [("activity:a1", 0)]
    assert again.locks == ()


def test_a_split_booked_from_the_activity_is_not_booked_again_from_the_lake():
    event = activity("split", symbol="AAPL", shares=300)
    seen = statement(shifted(AAPL=300), CASH_CENTS, event)
    first = reconciled(seen)
    again = reconciled(seen, market=split(4, 400, 101), **later(first))

    assert ([e.shares for e in first.bookings], again.differences) == ([300], ())


def test_a_split_activity_that_is_not_the_fraction_is_refused():
    event = activity("split", symbol="AAPL", shares=299)
    found = reconciled(statement(shifted(AAPL=299), CASH_CENTS, event), market=split(4, 400, 101))

    assert not any(e.shares == 299 for e in found.bookings)
    assert "AAPL" in found.locked_symbols


def test_a_split_that_neither_price_nor_broker_shows_is_booked_as_not_applied():
    found = reconciled(statement(), market=split(4, 400, 398))
    again = reconciled(statement(), market=split(4, 400, 398), **later(found))

    assert ([(e.kind, e.shares, e.session) for e in found.bookings], found.locks) == (
        [("split", 0, TODAY)],
        (),
    )
    assert again.differences == ()


def test_a_split_without_a_witness_locks_its_name_for_some_days():
    found = reconciled(statement(), market=split(4))
    after = reconciled(statement(), market=split(4), **later(found, 6))

    assert (found.bookings, found.locked_symbols) == ((), {"AAPL"})
    assert ([e.shares for e in after.bookings], after.locks) == ([0], ())


def test_thirds_are_exact():
    entries = opening({"AAPL": Decimal(99), "MSFT": Decimal(50)})
    found = reconciled(statement({"AAPL": 33, "MSFT": 50}), entries, market=split(Fraction(1, 3), 10, 30))

    assert [e.shares for e in found.bookings] == [-66]


@pytest.mark.parametrize("shown", ["34", "33", "33.333333333"])
def test_the_fraction_of_a_share_is_what_the_broker_made_of_it(shown):
    found = reconciled(statement({"AAPL": Decimal(shown), "MSFT": 50}), market=split(Fraction(1, 3), 10, 30))

    assert (len(found.bookings), found.locks) == (1, ())
    assert balance_of((*opening(), *found.bookings)).shares["AAPL"] == Decimal(shown)


def test_a_split_the_lake_does_not_know_locks_its_name():
    found = reconciled(statement(shifted(AAPL=100)))

    assert (found.differences[0].kind, found.locked_symbols, found.bookings) == ("split", {"AAPL"}, ())
