from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.bookings import Booked, booked_total, new_entries
from tasks.execution.brokers.base import BrokerOrder, Status
from tests.orders import make_order

AT = datetime(2024, 6, 17, 14, tzinfo=UTC)
FILLS = date(2024, 6, 17)


def stated(order, shares, cents, fee=0):
    return BrokerOrder(
        order.order_id,
        order.symbol,
        order.side,
        Decimal(order.shares),
        Status.OPEN,
        Decimal(shares),
        cents,
        fee,
        AT,
    )


def book(order, ledger, *totals):
    """Book the totals one after the other and return the ledger with what was added."""
    for total in totals:
        booked = booked_total(order, [(e.source, e.shares, e.cash_cents, e.fee_cents) for e in ledger])
        ledger = [*ledger, *new_entries(order, stated(order, *total), booked, session=FILLS, at=AT)]
    return ledger


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
def test_a_fill_is_the_difference_of_totals(side, sign):
    order = make_order(side=side)

    ledger = book(order, [], (40, 400_10, 5), (100, 1000_20, 7))

    assert [(entry.kind, entry.shares, entry.cash_cents, entry.fee_cents) for entry in ledger] == [
        ("fill", sign * 40, -sign * 400_10 - 5, 5),
        ("fill", sign * 60, -sign * 600_10 - 2, 2),
    ]
    assert ledger[1].source == f"{order.order_id}:100:100020"
    assert {entry.order_id for entry in ledger} == {order.order_id}


def test_faults_082_131_a_total_is_booked_once_in_whatever_order_it_is_reported():
    order = make_order()

    ledger = book(order, [], (40, 400), (100, 1000), (40, 400), (0, 0), (100, 1000), (40, 400))

    assert len(ledger) == 2


def test_a_total_that_shrinks_is_not_booked():
    order = make_order()

    assert book(order, [], (100, 1000), (60, 600)) == book(order, [], (100, 1000))


def test_fault_087_other_money_for_the_same_shares_is_a_restatement_once():
    order = make_order(side="BUY")

    ledger = book(order, [], (100, 1000), (100, 990), (100, 1000), (100, 990))

    assert [(entry.kind, entry.shares, entry.cash_cents) for entry in ledger] == [
        ("fill", 100, -1000),
        ("restatement", 0, 10),
    ]


def test_a_fee_that_comes_later_is_booked_once():
    order = make_order(side="SELL")

    ledger = book(order, [], (100, 1000), (100, 1000, 3), (100, 1000, 3))

    assert [(entry.kind, entry.cash_cents, entry.fee_cents) for entry in ledger] == [
        ("fill", 1000, 0),
        ("fee", -3, 3),
    ]


def test_nothing_filled_is_nothing_booked():
    assert book(make_order(), [], (0, 0)) == []


def test_the_same_total_in_another_spelling_is_the_same():
    order = make_order()
    one = stated(order, 40, 400)
    other = replace(one, filled_shares=Decimal("40.00"))

    entries = [new_entries(order, each, Booked(), session=FILLS, at=AT) for each in (one, other)]

    assert entries[0][0].source == entries[1][0].source


TOTALS = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 10_000)), min_size=1, max_size=6)


@given(TOTALS, st.sampled_from(["BUY", "SELL"]), st.randoms())
def test_any_shuffle_of_reports_ends_at_the_last_total(fills, side, random):
    order = make_order(side=side)
    totals = [(0, 0)]
    for shares, cents in fills:
        totals.append((totals[-1][0] + shares, totals[-1][1] + cents))
    reports = [*totals, *totals]
    random.shuffle(reports)

    ledger = book(order, [], *reports, totals[-1])

    sign = 1 if side == "BUY" else -1
    assert sum(entry.shares for entry in ledger) == sign * totals[-1][0]
    assert sum(entry.cash_cents for entry in ledger) == -sign * totals[-1][1]
    assert len({entry.source for entry in ledger}) == len(ledger)
