"""The ledger compared with the broker: what is booked, what is locked, and under which ids."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import Status
from tasks.execution.reconciliation.schema import CorporateAction, Market, Rename
from tasks.execution.schema import State
from tasks.ledger.balance import balance_of, net_flows_cents
from tasks.ledger.entries import Entry
from tests.reconciling import (
    AT,
    CASH_CENTS,
    HELD,
    OPENED,
    PRICES,
    TODAY,
    account,
    activity,
    broker_order,
    opening,
    our_order,
    reconciled,
    shifted,
    statement,
)

DAY = timedelta(days=1)


def only(found):
    assert len(found.differences) == 1, found.differences
    return found.differences[0]


def test_equal_books_have_no_difference_and_no_lock():
    found = reconciled(statement(), market=Market(prices=PRICES))

    assert (found.differences, found.locks, found.blocks_all) == ((), (), False)
    assert found.equity_cents == found.book_equity_cents == 4_100_000


@pytest.mark.parametrize("source", ["deposit:2024-06-18:500:", "explained:abc:0"])
@pytest.mark.parametrize(("kind", "cents"), [("deposit", 500), ("withdrawal", -500)])
def test_a_flow_that_a_person_declared_is_not_booked_again_when_the_broker_states_it(source, kind, cents):
    declared = Entry(kind, source, TODAY - 2 * DAY, AT, cash_cents=cents, by="Ann", reason="savings")
    entries = (*opening(), declared)
    found = reconciled(statement(HELD, CASH_CENTS + cents, activity(kind, cents=cents)), entries)

    assert balance_of((*entries, *found.bookings)).cash_cents == CASH_CENTS + cents
    assert (len(found.bookings), found.locks) == (1, ())

    entries += found.bookings
    other = activity(kind, "a2", cents=cents)  # equal, and another one: it is booked
    seen = statement(HELD, CASH_CENTS + 2 * cents, activity(kind, cents=cents), other)
    again = reconciled(seen, entries)
    assert net_flows_cents((*entries, *again.bookings)) == 2 * cents
    assert again.locks == ()


@pytest.mark.parametrize(
    ("cents", "days", "source"),
    [(501, 2, "deposit:x"), (500, 11, "deposit:x"), (500, 2, "opening:flows"), (500, 2, "activity:other")],
)
def test_a_flow_of_another_amount_time_or_origin_is_booked(cents, days, source):
    declared = Entry("deposit", source, TODAY - days * DAY, AT, cash_cents=cents, by="Ann", reason="savings")
    entries = (*opening(), declared)
    found = reconciled(statement(HELD, CASH_CENTS + cents + 500, activity("deposit", cents=500)), entries)

    assert [(entry.kind, entry.cash_cents) for entry in found.bookings] == [("deposit", 500)]


@pytest.mark.parametrize(
    ("kind", "cents", "booked"),
    [
        ("interest", 12, "interest"),
        ("fee", -35, "fee"),
        ("deposit", 500_000, "deposit"),
        ("withdrawal", -500, "withdrawal"),
        ("deposit", -500, "withdrawal"),  # a deposit returned
        ("cash_in_lieu", 77, "cash_in_lieu"),
        ("dividend", 2_400, "dividend"),
    ],
)
def test_an_activity_explains_the_cash_to_the_cent_and_is_booked_once(kind, cents, booked):
    event = activity(kind, symbol="AAPL", cents=cents)
    seen = statement(shifted(), CASH_CENTS + cents, event)

    first = reconciled(seen)
    again = reconciled(seen, (*opening(), *first.bookings))

    assert [(e.kind, e.source, e.cash_cents) for e in first.bookings] == [(booked, "activity:a1", cents)]
    assert (first.locks, again.differences, again.locks) == ((), (), ())


def test_a_receivable_that_the_broker_states_is_booked_once_from_the_lake():
    stated = replace(activity("dividend_due", symbol="AAPL"), receivable_cents=2_500)
    action = CorporateAction("AAPL", stated.session, Decimal("0.25"))
    market = Market(actions=(action,), prices=PRICES)
    seen = statement(shifted(), CASH_CENTS, stated)

    first = reconciled(seen, market=market)
    again = reconciled(seen, (*opening(), *first.bookings), market=market)

    due = first.bookings[0]
    assert (due.kind, due.receivable_cents > 0) == ("dividend_due", True)
    assert balance_of((*opening(), *first.bookings)).receivable_cents == due.receivable_cents
    assert (first.locks, again.differences, again.locks) == ((), (), ())


@pytest.mark.parametrize("knows", [True, False], ids=["the lake knows", "the lake does not know"])
def test_a_symbol_change_that_the_broker_states_moves_the_shares_once(knows):
    held = balance_of(opening()).shares["AAPL"]
    out = replace(activity("rename", symbol="AAPL"), activity_id="out", shares=-held)
    back = replace(activity("rename", symbol="APPL"), activity_id="in", shares=held)
    seen = statement(shifted(AAPL=-held, APPL=held), CASH_CENTS, out, back)
    market = Market(
        renames=(Rename("AAPL", "APPL", out.session),) if knows else (),
        prices={**PRICES, "APPL": PRICES["AAPL"]},
    )

    first = reconciled(seen, market=market)
    again = reconciled(seen, (*opening(), *first.bookings), market=market)

    moved = balance_of((*opening(), *first.bookings)).shares
    assert moved["APPL"] == held
    assert not moved.get("AAPL")
    assert (first.locks, again.differences, again.locks) == ((), (), ())


def test_a_cent_that_nothing_explains_blocks_every_name():
    found = reconciled(statement(shifted(), CASH_CENTS + 1))

    assert (only(found).kind, only(found).cents, only(found).blocks) == ("unknown", 1, "all")
    assert found.blocks_all


@pytest.mark.parametrize(("symbol", "blocks"), [("AAPL", "name"), ("", "all")])
def test_an_activity_of_a_kind_that_is_not_known_is_never_booked_by_itself(symbol, blocks):
    event = replace(activity("other", symbol=symbol, cents=1_234), note="INVENTED something")
    found = reconciled(statement(shifted(), CASH_CENTS + 1_234, event))

    difference = found.differences[0]
    assert (found.bookings, difference.kind, difference.blocks) == ((), "unknown", blocks)
    assert "INVENTED something" in difference.explanation
    assert difference.proposal.cash_cents == 1_234
    assert len(found.differences) == 1  # its cash is not unexplained besides


def test_an_activity_that_is_part_of_the_opening_is_not_booked():
    found = reconciled(statement(shifted(), CASH_CENTS, activity("fee", cents=-35, on=OPENED)))

    assert found.differences == ()


def test_a_position_that_differs_locks_its_name_until_it_agrees():
    broken = reconciled(statement(shifted(AAPL=-1)))
    later = reconciled(statement(shifted(AAPL=-1)), at=AT + DAY, today=TODAY + DAY, locks=broken.locks)
    ended = reconciled(statement(), locks=later.locks)

    assert (broken.locked_symbols, broken.blocks_all) == ({"AAPL"}, False)
    assert later.locks == broken.locks  # with the time since when
    assert ended.locks == ()


def test_a_share_more_is_another_difference_than_two():
    one, two = (only(reconciled(statement(shifted(AAPL=n)))) for n in (1, 2))

    assert one.difference_id != two.difference_id


def test_a_merger_takes_shares_and_brings_cash():
    event = activity("merger", symbol="MSFT", shares=-50, cents=2_000_000)
    found = reconciled(statement({"AAPL": 100}, CASH_CENTS + 2_000_000, event))

    after = balance_of((*opening(), *found.bookings))
    assert (after.shares, after.cash_cents, found.locks) == ({"AAPL": 100}, CASH_CENTS + 2_000_000, ())


def test_a_symbol_change_that_lake_and_broker_show_moves_the_shares():
    market = Market(renames=(Rename("AAPL", "APPL", TODAY),))
    found = reconciled(statement({"APPL": 100, "MSFT": 50}), market=market)

    assert balance_of((*opening(), *found.bookings)).shares == {"APPL": 100, "MSFT": 50}
    assert found.locks == ()


def test_a_symbol_change_that_the_lake_does_not_know_locks_both_names():
    found = reconciled(statement({"APPL": 100, "MSFT": 50}))

    assert {item.kind for item in found.differences} == {"vanished_position", "unknown"}
    assert found.locked_symbols == {"AAPL", "APPL"}
    assert "a symbol change?" in found.differences[0].explanation


def test_a_fill_in_the_positions_that_is_not_booked_waits_and_blocks_only_its_name():
    filled = broker_order(filled_shares=Decimal(10), filled_cents=200_000, status=Status.FILLED)
    found = reconciled(
        statement(shifted(AAPL=10), CASH_CENTS - 200_000), orders=(our_order(at_broker=filled),)
    )

    assert (only(found).kind, only(found).is_waiting, found.bookings) == ("fill", True, ())
    assert (found.locked_symbols, found.blocks_all) == ({"AAPL"}, False)


def test_a_fill_at_the_broker_that_neither_position_nor_cash_shows_waits():
    filled = broker_order(filled_shares=Decimal(10), filled_cents=200_000)
    found = reconciled(statement(), orders=(our_order(at_broker=filled),))

    assert (only(found).kind, only(found).blocks) == ("fill", "name")


def test_the_fee_of_a_fill_in_transit_is_part_of_its_cash():
    filled = broker_order(filled_shares=Decimal(10), filled_cents=200_000, fee_cents=100)
    found = reconciled(
        statement(shifted(AAPL=10), CASH_CENTS - 200_100), orders=(our_order(at_broker=filled),)
    )

    assert only(found).kind == "fill"


@pytest.mark.parametrize(("cents", "kinds"), [(-200_500, {"fill"}), (-300_000, {"fill", "unknown"})])
def test_cash_of_a_fill_without_a_price_must_be_near_the_last_price(cents, kinds):
    found = reconciled(
        statement(shifted(AAPL=10), CASH_CENTS + cents),
        orders=(our_order(at_broker=broker_order()),),
        market=Market(prices=PRICES),
    )

    assert {item.kind for item in found.differences} == kinds


def test_shares_beyond_the_rest_of_our_order_are_not_its_fill():
    order = our_order(booked_shares=Decimal(5), booked_cents=100_000, at_broker=broker_order())
    order = replace(order, at_broker=replace(broker_order(), filled_shares=Decimal(5), filled_cents=100_000))
    found = reconciled(statement(shifted(AAPL=6)), orders=(order,))

    assert only(found).kind == "unknown"


@pytest.mark.parametrize(("minutes", "kind"), [(5, "fill"), (30, "unknown")])
def test_positions_may_lag_behind_a_booked_fill_for_some_minutes(minutes, kind):
    order = our_order(
        state=State.FILLED,
        booked_shares=Decimal(1),
        booked_cents=20_000,
        changed_at=AT - timedelta(minutes=minutes),
    )
    found = reconciled(statement(shifted(AAPL=-1), CASH_CENTS + 20_000), orders=(order,))

    assert kind in {item.kind for item in found.differences}
    assert found.blocks_all == (kind == "unknown")


def test_an_open_order_by_hand_locks_its_name_while_it_is_open():
    by_hand = broker_order("x9", "MSFT")
    found = reconciled(statement(open_orders=[by_hand]))
    ours = reconciled(statement(open_orders=[by_hand]), orders=(our_order("MSFT", order_id="x9"),))

    assert (only(found).kind, found.locked_symbols) == ("manual_trade", {"MSFT"})
    assert ours.differences == ()


def test_our_order_that_the_journal_closed_and_the_broker_has_open_locks_its_name():
    found = reconciled(statement(open_orders=[broker_order("x9")]), order_ids=frozenset({"x9"}))

    assert (only(found).kind, found.locked_symbols) == ("fill", {"AAPL"})


@pytest.mark.parametrize("changes", [{"account": "B2"}, {"mode": "paper"}])
def test_another_account_blocks_everything_and_books_nothing(changes):
    seen = statement(shifted(), CASH_CENTS, activity("fee", cents=-35), **changes)
    found = reconciled(seen, account=("A1", "live"))

    assert (found.bookings, found.blocks_all, len(found.differences)) == ((), True, 1)


def test_equity_far_from_cash_and_positions_blocks_every_name():
    near = reconciled(statement(equity_cents=4_100_000 * 103 // 100), market=Market(prices=PRICES))
    far = reconciled(statement(equity_cents=4_100_000 * 107 // 100), market=Market(prices=PRICES))

    assert (near.differences, only(far).blocks) == ((), "all")


def test_equity_without_every_price_is_not_judged():
    found = reconciled(statement(equity_cents=1), market=Market(prices={"AAPL": Decimal(200)}))

    assert (found.differences, found.book_equity_cents) == ((), None)


def test_a_manual_trade_has_the_same_id_before_and_after_it_is_booked():
    event = activity("fill", symbol="AAPL", shares=5, cents=-100_000)
    seen = statement(shifted(AAPL=5), CASH_CENTS - 100_000, event)

    first = reconciled(seen)
    again = reconciled(seen, (*opening(), *first.bookings))

    assert only(first).difference_id == only(again).difference_id
    assert (again.bookings, again.blocks_all) == ((), True)


def test_shares_without_a_symbol_are_never_booked():
    found = reconciled(statement(shifted(), CASH_CENTS, activity("merger", shares=5)))

    assert (found.bookings, only(found).blocks, only(found).proposal) == ((), "all", None)


def test_account_equity_is_the_figure_of_record():
    found = reconciled(statement(equity_cents=4_110_000), market=Market(prices=PRICES))

    assert (found.equity_cents, found.book_equity_cents) == (4_110_000, 4_100_000)
    assert account().equity_cents == 4_100_000


@pytest.mark.parametrize(
    ("is_sale", "gap", "kind"),
    [(False, 5, "fill"), (False, -5, "unknown"), (True, 5, "unknown"), (True, -5, "fill")],
)
def test_only_shares_in_the_direction_of_our_order_may_be_its_fill(is_sale, gap, kind):
    order = our_order(is_sale=is_sale)
    found = reconciled(statement(shifted(AAPL=gap)), orders=(order,), market=Market(prices=PRICES))

    assert (found.differences[0].kind == "fill") is (kind == "fill")
    assert "AAPL" in {lock.symbol for lock in found.locks}


@pytest.mark.parametrize(("is_sale", "gap"), [(False, -1), (True, 1)])
def test_positions_may_lag_behind_a_booked_fill_by_one_share(is_sale, gap):
    booked = our_order(is_sale=is_sale, state=State.FILLED, booked_shares=Decimal(10), changed_at=AT)

    assert only(reconciled(statement(shifted(AAPL=gap)), orders=(booked,))).kind == "fill"


def test_a_payment_settles_the_dividend_of_its_amount_and_not_an_older_one():
    dues = tuple(
        Entry("dividend_due", f"due:{cents}", TODAY - days * DAY, AT, "AAPL", receivable_cents=cents)
        for days, cents in ((3, 2_400), (2, 2_500))
    )
    entries = (*opening(), *dues)
    paid = activity("dividend", symbol="AAPL", cents=2_500)
    found = reconciled(statement(HELD, CASH_CENTS + 2_500, paid), entries)

    assert balance_of((*entries, *found.bookings)).receivable_cents == 2_400


@pytest.mark.parametrize(("cents", "days"), [(1_199, 3), (3_601, 3), (2_400, -1)])
def test_a_payment_of_another_size_or_before_the_ex_date_settles_nothing(cents, days):
    due = Entry("dividend_due", "due", TODAY - days * DAY, AT, "AAPL", receivable_cents=2_400)
    entries = (*opening(), due)
    paid = activity("dividend", symbol="AAPL", cents=cents)
    found = reconciled(statement(HELD, CASH_CENTS + cents, paid), entries)

    assert balance_of((*entries, *found.bookings)).receivable_cents == 2_400
