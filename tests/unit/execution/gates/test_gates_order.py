"""What single gates decide at their edges: windows, quotes, bands, sizes over several orders of one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import Quote
from tasks.execution.gates.table import check_batch, check_order, failed
from tasks.execution.schema import State
from tests.builders import make_settings
from tests.execution_facts import (
    CLOSED,
    CLOSES,
    NOW,
    OPENED,
    PRICE,
    make_facts,
    make_line,
    make_order,
    make_override,
    make_positions,
    make_quotes,
    make_terms,
    make_today,
    open_order,
    placed,
    tripped,
)

SETTINGS = make_settings()
EVENING = datetime(
    2024, 6, 16, 23, 0, tzinfo=UTC
)  # Sunday, 19:00 in New York: a venue that never closes is open
SECOND = timedelta(seconds=1)


def refused(order, **changes):
    return {result.name for result in failed(check_order(make_facts(SETTINGS, order, **changes)))}


def at(moment, quoted_at=None):
    return {
        "at": moment,
        "truth_at": moment,
        "takes_at": moment,
        "truth_quotes": make_quotes(at=quoted_at or moment),
    }


def test_before_the_open_a_quote_since_the_decision_is_recent():
    assert refused(make_order(), **at(EVENING, CLOSED)) == set()
    assert refused(make_order(), **at(EVENING, CLOSED - SECOND)) == {"fresh_quote"}


def test_while_the_exchange_is_open_a_quote_is_a_quarter_of_an_hour_old_at_most():
    assert refused(make_order(), **at(NOW, NOW - timedelta(minutes=15))) == set()
    assert refused(make_order(), **at(NOW, NOW - timedelta(minutes=15) - SECOND)) == {"fresh_quote"}


def test_where_nobody_quotes_the_close_of_the_decision_is_recent():
    assert refused(make_order(), broker="manual", **at(NOW, CLOSED)) == set()
    assert refused(make_order(), broker="manual", **at(NOW, CLOSED - SECOND)) == {"fresh_quote"}


def test_a_broker_that_fills_from_stored_bars_quotes_the_open_after_the_close():
    late = CLOSES + timedelta(hours=2)
    clean = make_facts(SETTINGS, make_order(), **at(late, OPENED))
    stored_bars = replace(clean, window=replace(clean.window, ends_at=late + SECOND))

    assert failed(check_order(stored_bars)) == ()
    assert {result.name for result in failed(check_order(clean))} == {"window"}


@pytest.mark.parametrize(
    "quote", [Quote("C", Decimal(0), NOW), Quote("C", PRICE, NOW + timedelta(minutes=2))]
)
def test_a_quote_of_nothing_or_of_the_future_is_not_recent(quote):
    assert "fresh_quote" in refused(make_order(), truth_quotes={**make_quotes(), "C": quote})


def test_an_order_is_not_sent_before_the_decision_nor_in_a_closed_window():  # faults 78, 137
    assert "window" in refused(make_order(), **at(CLOSED - SECOND))
    assert "window" in refused(make_order(), **at(CLOSES))
    assert refused(make_order(), **(at(EVENING, CLOSED) | {"takes_at": OPENED})) == {"window"}


def test_the_order_of_an_approval_in_time_goes_out_until_the_end_of_the_session():
    late = at(CLOSES - SECOND)

    assert failed(check_batch(make_facts(SETTINGS, books_first_intent_at=OPENED - SECOND, **late))) == ()
    assert [
        one.name for one in failed(check_batch(make_facts(SETTINGS, books_first_intent_at=None, **late)))
    ] == ["approval_valid"]


def test_all_orders_of_a_line_together_are_at_most_what_was_approved():
    filled_in_part = placed(make_order(order_id="first", shares=200), State.CANCELED, filled_shares=50)
    working = placed(make_order(order_id="first", shares=50), State.UNKNOWN)
    never_sent = placed(make_order(order_id="first", shares=200), State.VOID)

    for before in (filled_in_part, working):
        assert "approved_size" not in refused(make_order(shares=150), books_placed=(before,))
        assert "approved_size" in refused(make_order(shares=151), books_placed=(before,))
    assert refused(make_order(shares=200), books_placed=(never_sent,)) == set()


def test_an_order_sent_again_does_not_count_against_itself():
    sale = make_order("SELL")
    again = {
        "truth_open_orders": (open_order("SELL", "A", 200, sale.order_id),),
        "books_placed": (placed(sale, State.UNKNOWN),),
    }

    assert refused(sale, **again) == set()


def test_a_sale_that_the_broker_does_not_show_yet_counts():  # fault 134
    unseen = placed(make_order("SELL", order_id="other", row=5, shares=1), State.UNKNOWN)

    assert refused(make_order("SELL"), books_placed=(unseen,)) == {"position"}


def test_a_sale_is_bounded_by_the_lower_of_broker_and_ledger():  # fault 36
    assert refused(make_order("SELL"), books_shares={"A": Decimal(199)}) == {"position", "good_faith"}
    assert refused(make_order("SELL"), truth_positions=make_positions(A=199)) == {"position", "good_faith"}


@pytest.mark.parametrize("where", ["account", "books"])
def test_a_buy_is_bounded_by_the_lower_cash_of_broker_and_ledger(where):
    assert refused(make_order(), **{f"{where}_cash_cents": 10_000_00}) == set()
    assert refused(make_order(), **{f"{where}_cash_cents": 9_999_99}) == {"buying_power", "allocation"}


def test_open_buys_by_hand_take_their_cash_and_their_place_in_the_position():
    by_hand = (open_order("BUY", "C", 200),)

    assert refused(make_order(), truth_open_orders=by_hand, books_cash_cents=19_999_99) == {
        "buying_power",
        "allocation",
    }
    too_many = (open_order("BUY", "C", 3_101),)  # with 200 more, 16.5% of a million and a share
    assert refused(make_order(), truth_open_orders=too_many) == {"position_size"}


def test_an_open_buy_without_a_quote_stops_buys_and_no_sale():
    unknown = (open_order("BUY", "ZZZ", 1),)

    assert "buying_power" in refused(make_order(), truth_open_orders=unknown)
    assert refused(make_order("SELL"), truth_open_orders=unknown) == set()


def test_a_limit_buy_is_valued_at_its_limit():
    order = make_order(timing="limit", limit_price=Decimal("52.50"))

    assert refused(order, books_cash_cents=10_500_00) == set()
    assert refused(order, books_cash_cents=10_499_99) == {"buying_power", "allocation"}


@pytest.mark.parametrize(
    ("limit", "is_fine"), [("0.9999", True), ("0.99995", False), ("1.01", True), ("1.001", False)]
)
def test_a_limit_has_the_ticks_of_the_exchange(limit, is_fine):  # fault 38
    assert ("limit_price" not in refused(make_order(timing="limit", limit_price=Decimal(limit)))) == is_fine


def test_reductions_pass_while_new_risk_is_refused():  # faults 42, 129; X12
    for changes in (
        {"books_switch": tripped("volatility")},
        {"account_only_closing": True},
        {"books_is_reconciled": False},
        {"books_state": "CRASH"},
        {"books_locks": {"A": "a difference", "C": "a difference"}},
        {"books_locks": {"": "cash differs"}},
        {"books_sessions_since_promotion": 0, "books_today": make_today(buys_cents=10**8)},
        {"account_equity_cents": 10**7},
    ):
        assert refused(make_order("SELL"), **changes) == set()
        assert refused(make_order("BUY"), **changes) != set()


def test_a_halt_by_a_person_stops_sales_too():
    assert refused(make_order("SELL"), books_switch=tripped("by_hand")) == {"kill_switch"}


def test_a_state_of_the_market_that_nobody_knows_allows_no_buys():  # fault 28
    assert refused(make_order(), books_state="SIDEWAYS") == {"regime"}


def test_sales_of_earlier_runs_never_stop_a_sale():
    assert refused(make_order("SELL"), books_today=make_today(sales_cents=10**12)) == set()


def test_an_empty_portfolio_may_be_invested_in_one_session():
    bought = make_today(buys_cents=60_000_000, bought={"D": Decimal(12_000)})
    entry = {
        "books_shares": {"D": Decimal(12_000)},
        "truth_positions": make_positions(D=12_000),
        "books_today": bought,
    }

    assert refused(make_order(), **entry) == set()
    assert refused(make_order(), **(entry | {"books_shares": {"D": Decimal(12_001)}})) == {"daily_buys"}


def test_a_multiplier_leaves_its_part_of_the_approved_size():
    half = make_override("multiplier", multiplier=Decimal("0.5"))

    assert refused(make_order(shares=100), books_overrides=(half,)) == set()
    assert refused(make_order(shares=101), books_overrides=(half,)) == {"override"}


def test_an_override_that_has_expired_or_ended_does_not_hold():
    expired = make_override("do_not_buy")
    yesterday = replace(expired, instruction=replace(expired.instruction, until=CLOSED.date()))
    ended = replace(expired, ended_at=NOW.isoformat())

    assert refused(make_order(), books_overrides=(yesterday, ended)) == set()


def test_the_ramp_ends_after_its_sessions():
    spent = {"books_today": make_today(buys_cents=30_000_000)}

    assert refused(make_order(), books_sessions_since_promotion=4, **spent) == {"ramp"}
    assert refused(make_order(), books_sessions_since_promotion=5, **spent) == set()


def test_the_ramp_limits_each_buy_and_the_number_of_new_names():
    large = make_order(shares=1_001)
    terms = make_terms(make_line("SELL", "A"), make_line("BUY", "C", 1_001))
    names = {f"N{number}": Decimal(1) for number in range(15)}
    fifteen = {"books_today": make_today(bought=names), "books_shares": names}

    assert refused(large, terms=terms, books_sessions_since_promotion=0) == {"ramp"}
    assert refused(make_order(), books_sessions_since_promotion=0, **fifteen) == {"ramp"}
    assert refused(make_order(symbol="C"), books_sessions_since_promotion=9, **fifteen) == set()


def test_what_is_left_of_the_trades_in_a_name_is_shown():
    results = check_order(make_facts(SETTINGS, make_order("SELL"), books_name_sessions={"A": 9}))
    (shown,) = [result.value for result in results if result.name == "name_trades"]

    assert shown == "9, 1 left"


@pytest.mark.parametrize(
    ("allows_live", "named", "passes", "what"),
    [
        (True, "paper", True, ""),
        (False, "paper", False, "execution.allows_live: true"),
        (True, "", False, "AFTERCLOSE_LIVE_ACCOUNT=paper"),
        (True, "another", False, "it names another"),
    ],
)
def test_a_live_account_needs_both_opt_ins(allows_live, named, passes, what):
    live = {"account_mode": "live", "terms_mode": "live", "limits_mode": "live"}
    results = failed(
        check_batch(make_facts(SETTINGS, **live, limits_allows_live=allows_live, live_account=named))
    )

    assert [one.name for one in results] == ([] if passes else ["live_opt_in"])
    assert all(what in one.reason for one in results)


@pytest.mark.parametrize(
    ("equity_cents", "is_near"), [(1_200_000_00, True), (1_200_000_01, False), (800_000_00, True)]
)
def test_the_equity_may_differ_by_its_limit(equity_cents, is_near):
    found = refused(make_order(), account_equity_cents=equity_cents, books_exposure_cap=Decimal(1))

    assert ("equity_agrees" not in found) == is_near


def test_the_last_order_of_a_session_is_the_one_at_the_limit():
    limit = SETTINGS.execution.max_daily_orders

    assert refused(make_order(), books_today=make_today(orders=limit - 1)) == set()
    assert refused(make_order(), books_today=make_today(orders=limit)) == {"daily_orders"}


def test_open_buys_count_towards_the_buys_of_the_session():
    spent = {"books_today": make_today(buys_cents=43_000_000)}  # the limit is 44% of a million
    open_buys = {"truth_open_orders": (open_order("BUY", "D", 1),)}

    assert refused(make_order(), **spent) == set()
    assert refused(make_order(), **spent, **open_buys) == {"daily_buys"}


def test_open_buys_count_in_the_ramp():
    ramp = {"books_sessions_since_promotion": 0, "books_today": make_today(buys_cents=24_000_000)}
    open_buys = {"truth_open_orders": (open_order("BUY", "D", 1),)}

    assert refused(make_order(), **ramp) == set()
    assert refused(make_order(), **ramp, **open_buys) == {"ramp"}


def test_what_is_in_the_way_is_named():
    opposite, locked = (
        failed(check_order(make_facts(SETTINGS, make_order(), **changes)))[0]
        for changes in (
            {"truth_open_orders": (open_order("SELL", "C"),)},
            {"books_locks": {"C": "10 shares differ"}},
        )
    )

    assert opposite.value == "by-hand"
    assert locked.reason == "10 shares differ"


@pytest.mark.parametrize(("shares", "is_fine"), [(2_200, True), (2_201, False)])
def test_an_order_may_reach_its_limit(
    shares, is_fine
):  # 10% of a million, and 10% more for the band: 110,000 USD
    terms = make_terms(make_line("SELL", "A", shares), make_line("BUY", "C", shares))

    assert ("trade_size" not in refused(make_order(shares=shares), terms=terms)) == is_fine
