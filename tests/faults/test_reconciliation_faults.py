"""Faults 83 to 88, 120 to 123, 131 to 136 and 139 of the broker's statement and of the vendor's actions."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.execution.brokers.base import Status
from tasks.execution.reconciliation.schema import CorporateAction, Market
from tasks.execution.schema import State
from tasks.ledger.balance import balance_of
from tasks.ledger.entries import Entry
from tests.reconciling import (
    AT,
    CASH_CENTS,
    HELD,
    PRICES,
    TODAY,
    activity,
    broker_order,
    opening,
    our_order,
    reconciled,
    shifted,
    statement,
)

DAY = timedelta(days=1)


def test_fault_083_a_manual_trade_is_booked_and_stops_new_risk_until_a_person_acknowledges_it():
    event = activity("fill", symbol="AAPL", shares=-5, cents=100_000)
    seen = statement(shifted(AAPL=-5), CASH_CENTS + 100_000, event)

    found = reconciled(seen)
    next_day = reconciled(seen, (*opening(), *found.bookings), today=TODAY + DAY, at=AT + DAY)
    known = frozenset({found.differences[0].difference_id})
    ended = reconciled(seen, (*opening(), *found.bookings), acknowledged=known)

    assert [(e.kind, e.shares, e.cash_cents) for e in found.bookings] == [("manual_trade", -5, 100_000)]
    assert (found.blocks_all, next_day.blocks_all, ended.blocks_all) == (True, True, False)


def test_fault_084_dividend_and_fee_are_explained_to_the_cent():
    events = activity("dividend", "a1", "AAPL", cents=2_400), activity("fee", "a2", cents=-7)
    found = reconciled(statement(HELD, CASH_CENTS + 2_393, *events))
    wrong = reconciled(statement(HELD, CASH_CENTS + 2_392, *events))

    assert (len(found.bookings), found.locks) == (2, ())
    assert (wrong.differences[-1].cents, wrong.blocks_all) == (-1, True)


@pytest.mark.parametrize("failed", ["account", "positions", "activities", "open_orders"])
def test_fault_085_a_failed_call_is_never_read_as_empty(failed):
    lock = reconciled(statement(shifted(AAPL=1))).locks
    found = reconciled(
        replace(statement(HELD, CASH_CENTS, activity("fee", cents=-1)), **{failed: None}), locks=lock
    )

    assert (found.bookings, found.blocks_all, found.locked_symbols) == ((), True, {"AAPL"})


def test_fault_085_no_positions_at_all_are_never_read_as_flat():
    found = reconciled(statement({}))

    assert (found.bookings, found.blocks_all, found.locked_symbols) == ((), True, set())


def test_fault_086_a_reverse_split_and_its_cash_in_lieu_are_booked():
    entries = opening({"AAPL": Decimal(105), "MSFT": Decimal(50)})
    market = Market((CorporateAction("AAPL", TODAY, Decimal(0), Fraction(1, 10), Decimal(2), Decimal(20)),))
    lieu = activity("cash_in_lieu", symbol="AAPL", cents=1_000)
    found = reconciled(statement({"AAPL": 10, "MSFT": 50}, CASH_CENTS + 1_000, lieu), entries, market=market)

    after = balance_of((*entries, *found.bookings))
    assert (after.shares["AAPL"], after.cash_cents, found.locks) == (10, CASH_CENTS + 1_000, ())


BOUGHT = Entry("fill", "o1:10:200000", TODAY, AT, "AAPL", Decimal(10), -200_000, order_id="o1")


def test_fault_087_a_busted_fill_is_booked_once_from_the_activity():
    entries = (*opening(), BOUGHT)
    seen = statement(HELD, CASH_CENTS, activity("correction", symbol="AAPL", shares=-10, cents=200_000))
    found = reconciled(seen, entries)

    assert [(e.kind, e.shares) for e in found.bookings] == [("restatement", -10)]
    assert reconciled(seen, (*entries, *found.bookings)).differences == ()


def test_fault_087_a_bust_that_shows_in_our_order_is_booked_with_its_id():
    entries = (*opening(), BOUGHT)
    event = activity("correction", symbol="AAPL", shares=-10, cents=200_000)
    order = our_order(booked_shares=Decimal(10), booked_cents=200_000, at_broker=broker_order())
    early = reconciled(statement(HELD, CASH_CENTS), entries, orders=(order,))
    found = reconciled(statement(HELD, CASH_CENTS, event), entries, orders=(order,))

    assert (early.bookings, early.locked_symbols, early.blocks_all) == ((), {"AAPL"}, False)
    assert [(e.kind, e.order_id, e.shares) for e in found.bookings] == [("restatement", "o1", -10)]
    assert found.locks == ()


def test_fault_087_a_price_that_an_open_order_corrects_is_booked_once_from_the_order():
    entries = (*opening(), BOUGHT)
    event = activity("correction", symbol="AAPL", cents=500)
    stated = broker_order(filled_shares=Decimal(10), filled_cents=199_500)
    order = our_order(booked_shares=Decimal(10), booked_cents=200_000, at_broker=stated)
    seen = statement(shifted(AAPL=10), CASH_CENTS - 199_500, event)
    restated = Entry("restatement", "o1:10:199500", TODAY, AT, "AAPL", cash_cents=500, order_id="o1")

    waits = reconciled(seen, entries, orders=(order,))
    after = reconciled(seen, (*entries, restated))

    assert (waits.bookings, waits.locked_symbols, waits.blocks_all) == ((), {"AAPL"}, False)
    assert [(e.source, e.shares, e.cash_cents) for e in after.bookings] == [("activity:a1", 0, 0)]
    assert after.locks == ()


def test_fault_087_two_equal_corrections_are_booked_each_and_only_once():
    entries, held = (*opening(), BOUGHT), shifted(AAPL=10)
    events = [activity("correction", name, "AAPL", cents=500) for name in ("a1", "a2")]
    paid = CASH_CENTS - 200_000
    first = reconciled(statement(held, paid + 500, events[0]), entries)
    both = reconciled(statement(held, paid + 1_000, *events), (*entries, *first.bookings))

    booked = (*first.bookings, *both.bookings)
    assert [(entry.source, entry.cash_cents) for entry in booked] == [
        ("activity:a1", 500),
        ("activity:a2", 500),
    ]
    assert both.locks == ()


def test_fault_087_a_price_corrected_after_the_order_ended_is_booked_from_the_activity():
    stated = broker_order(filled_shares=Decimal(10), filled_cents=199_500, status=Status.FILLED)
    order = our_order(state=State.FILLED, booked_shares=Decimal(10), booked_cents=200_000, at_broker=stated)
    event = activity("correction", symbol="AAPL", cents=500)
    found = reconciled(
        statement(shifted(AAPL=10), CASH_CENTS - 199_500, event), (*opening(), BOUGHT), orders=(order,)
    )

    assert ([(e.order_id, e.cash_cents) for e in found.bookings], found.locks) == ([("o1", 500)], ())


def test_fault_088_an_order_stuck_in_cancellation_blocks_its_symbol():
    stuck = our_order(state=State.CANCELING, changed_at=AT - timedelta(minutes=20), at_broker=broker_order())
    found = reconciled(statement(), orders=(stuck,))

    assert (found.locked_symbols, found.blocks_all) == ({"AAPL"}, False)


def test_fault_120_a_vanished_position_is_locked_and_nothing_is_booked_until_it_is_back():
    gone = reconciled(statement({"MSFT": 50}))
    days_later = reconciled(statement({"MSFT": 50}), today=TODAY + 3 * DAY, at=AT + 3 * DAY, locks=gone.locks)
    back = reconciled(statement(), locks=days_later.locks)

    assert (gone.differences[0].kind, gone.bookings, gone.locked_symbols) == (
        "vanished_position",
        (),
        {"AAPL"},
    )
    assert (days_later.locks, back.locks) == (gone.locks, ())


def test_fault_121_two_equity_figures_that_differ_by_90_bps_are_not_an_alarm():
    found = reconciled(statement(equity_cents=4_136_900), market=Market(prices=PRICES))

    assert (found.equity_cents, found.book_equity_cents, found.locks) == (4_136_900, 4_100_000, ())


def test_fault_122_a_paper_account_that_ignores_actions_is_carried_without_a_daily_alarm():
    ex_dividend, four = Decimal("0.24"), Fraction(4)
    market = Market(
        (
            CorporateAction("MSFT", TODAY, ex_dividend),
            CorporateAction("AAPL", TODAY, Decimal(0), four, Decimal(400), Decimal(101)),
        )
    )
    entries, alarms = opening(), []
    for day in range(90):
        when = {"today": TODAY + day * DAY, "at": AT + day * DAY}
        found = reconciled(statement(mode="paper"), entries, market=market, **when)
        entries += found.bookings
        alarms.append(bool(found.locks))

    assert sum(alarms) == 6  # the days on which the broker may still apply the split
    after = balance_of(entries)
    assert (after.shares["AAPL"], after.cash_cents, after.receivable_cents) == (400, CASH_CENTS + 1_200, 0)


def test_fault_122_what_the_paper_account_applies_after_all_is_not_counted_twice():
    market = Market((CorporateAction("AAPL", TODAY, Decimal(0), Fraction(4), Decimal(400), Decimal(101)),))
    entries = opening()
    for day in (0, 7):
        entries += reconciled(
            statement(mode="paper"), entries, market=market, today=TODAY + day * DAY, at=AT + day * DAY
        ).bookings
    late = {"market": market, "today": TODAY + 8 * DAY, "at": AT + 8 * DAY}

    applied = reconciled(statement(shifted(AAPL=300), mode="paper"), entries, **late)
    again = reconciled(statement(shifted(AAPL=300), mode="paper"), (*entries, *applied.bookings), **late)

    assert (applied.locks, again.differences) == ((), ())
    assert balance_of((*entries, *applied.bookings)).shares["AAPL"] == 400


@pytest.mark.parametrize("shown", [100, 10])  # before and after the broker applies the true one
def test_fault_123_a_split_in_the_wrong_direction_is_not_applied(shown):
    wrong = CorporateAction("AAPL", TODAY, Decimal(0), Fraction(10), Decimal(20), Decimal(199))
    found = reconciled(statement({"AAPL": shown, "MSFT": 50}), market=Market((wrong,)))

    assert (found.bookings, found.locked_symbols) == ((), {"AAPL"})


def test_fault_131_a_fill_seen_in_positions_before_its_order_is_counted_once():
    seen = statement(shifted(AAPL=10), CASH_CENTS - 200_000)
    early = reconciled(seen, orders=(our_order(at_broker=broker_order()),), market=Market(prices=PRICES))
    stated = broker_order(filled_shares=Decimal(10), filled_cents=200_000, status=Status.FILLED)
    after = our_order(booked_shares=Decimal(10), booked_cents=200_000, at_broker=stated, state=State.FILLED)
    booked = reconciled(seen, (*opening(), BOUGHT), orders=(after,))

    assert (early.bookings, early.locked_symbols, early.blocks_all) == ((), {"AAPL"}, False)
    assert booked.differences == ()


def test_fault_132_the_same_difference_has_the_same_id_on_the_next_day():
    first = reconciled(statement(shifted(AAPL=1), CASH_CENTS + 5))
    sold = Entry("fill", "o2", TODAY, AT, "AAPL", Decimal(-20), 400_000)
    next_day = reconciled(
        statement(shifted(AAPL=-19), CASH_CENTS + 400_005),
        (*opening(), sold),
        today=TODAY + DAY,
        at=AT + DAY,
    )

    assert [item.difference_id for item in first.differences] == [
        item.difference_id for item in next_day.differences
    ]


def test_fault_133_an_old_open_order_of_ours_is_known_by_its_id_and_not_foreign():
    old = our_order(changed_at=AT - 400 * DAY, at_broker=broker_order(submitted_at=AT - 400 * DAY))
    found = reconciled(statement(open_orders=[broker_order()]), orders=(old,))

    assert found.differences == ()


def test_fault_134_a_manual_sale_alongside_ours_is_two_trades_and_stops_new_risk():
    ours = Entry("fill", "o1:60:1200000", TODAY, AT, "AAPL", Decimal(-60), 1_200_000, order_id="o1")
    event = activity("fill", symbol="AAPL", shares=-40, cents=800_000)
    seen = statement({"MSFT": 50}, CASH_CENTS + 2_000_000, event)
    found = reconciled(seen, (*opening(), ours))

    assert balance_of((*opening(), ours, *found.bookings)).shares == {"MSFT": 50}
    assert found.blocks_all


def test_fault_135_figures_of_a_nightly_window_are_shown_and_not_judged():
    lock = reconciled(statement(shifted(MSFT=1))).locks
    seen = statement(shifted(AAPL=-1), CASH_CENTS + 5, activity("fee", cents=-1), is_preliminary=True)
    found = reconciled(seen, locks=lock)

    assert (found.is_preliminary, found.bookings, found.locks) == (True, (), lock)
    assert len(found.differences) == 3


def test_fault_136_a_dividend_between_ex_date_and_payment_is_receivable_and_no_alarm():
    market = Market((CorporateAction("AAPL", TODAY, Decimal("0.24")),), prices=PRICES)
    found = reconciled(statement(), market=market)

    assert (found.locks, found.book_equity_cents) == ((), 4_102_400)


def test_fault_139_merger_and_spin_off_are_booked_or_block_their_name():
    merged = activity("merger", "a1", "MSFT", shares=-50, cents=2_000_000)
    spun = activity("merger", "a2", "SPUN", shares=10)
    found = reconciled(statement({"AAPL": 100, "SPUN": 10}, CASH_CENTS + 2_000_000, merged, spun))
    unstated = reconciled(statement(shifted(SPUN=10)))

    assert (len(found.bookings), found.locks) == (2, ())
    assert (unstated.differences[0].kind, unstated.locked_symbols) == ("unknown", {"SPUN"})
