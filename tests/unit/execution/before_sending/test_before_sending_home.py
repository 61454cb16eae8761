"""What gates and guard read of a home: its ledger, orders, switch, locks, overrides and the approved day."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.execution.before_sending.approved_day import ApprovedDay, read_approved_day
from tasks.execution.before_sending.home_books import HomeBooks
from tasks.execution.before_sending.promotions import NEVER
from tasks.execution.before_sending.totals import Booked, LedgerTotals, Totals
from tasks.execution.before_sending.wire_check import WireCheck
from tasks.execution.checks import Facts
from tasks.execution.journal import prepare, read_orders, start_run, store_execution
from tasks.execution.order_state import Event
from tasks.execution.reconciliation.schema import Lock, Reconciliation
from tasks.execution.reconciliation.store import prepare as prepare_reconciliation
from tasks.execution.reconciliation.store import store
from tasks.execution.schema import State
from tasks.ledger.balance import balance_of
from tasks.ledger.database import connect
from tasks.safety.kill_switch.switch import trip_switch
from tasks.safety.overrides import Instruction, add_override
from tests.approval_days import EVENING, add_person, make_home, sign_day
from tests.builders import make_settings
from tests.execution_days import make_execution
from tests.execution_facts import (
    FRIDAY,
    MONDAY,
    NOW,
    make_account,
    make_order,
    make_positions,
    make_quotes,
    make_terms,
)
from tests.ledgers import begun_home, book, booked, entry

DAY = ApprovedDay(make_terms(), "c" * 64, "lightgbm", "BULL", Decimal(1), {"A": "Energy"})
SALE, BUY = make_order("SELL"), make_order("BUY")


@pytest.fixture
def home(tmp_path):
    return begun_home(tmp_path, ("A", 200), ("B", 200), cash_cents=980_000_00)


def fill(number, symbol, shares, cents, **fields):
    return entry(
        f"fill{number}", symbol=symbol, shares=shares, cash_cents=cents, **({"session": MONDAY} | fields)
    )


@pytest.fixture
def opened_home(home):
    with closing(connect(home)) as connection:
        prepare(connection)
        store_execution(connection, make_execution(session=FRIDAY, fill_session=MONDAY))
        yield home, connection


def track(connection, order, *events):
    """Store an order of the execution to which these events happened."""
    journal = start_run(connection, FRIDAY, NOW)
    with journal.writing():
        journal.store_intent(order, why="", at=NOW)
    (tracked,) = [one for one in read_orders(connection, FRIDAY) if one.order == order]
    with journal.writing():
        for event in events:
            tracked = journal.store_event(tracked, event, at=NOW, reason="")


def books_of(home, connection, *, began_at=NOW):
    return HomeBooks(home, connection, make_settings(), DAY, MONDAY, began_at)


def test_the_books_are_the_ledger_at_this_moment(opened_home):
    home, connection = opened_home
    track(connection, SALE, Event.ABOUT_TO_SEND, Event.REPORTED_OPEN)
    track(connection, BUY)
    read = books_of(home, connection)
    before = read()
    book(home, fill(1, "A", -50, 2_500_00, order_id=SALE.order_id), fill(2, "C", 10, -500_00))
    after = read()

    assert before.shares == {"A": 200, "B": 200}
    assert (before.cash_cents, before.today.orders, before.first_intent_at) == (980_000_00, 1, NOW)
    assert after.shares == {"A": 150, "B": 200, "C": 10}
    assert after.cash_cents == 980_000_00 + 2_000_00
    assert (after.today.sales_cents, after.today.buys_cents, after.today.bought) == (
        2_500_00,
        500_00,
        {"C": 10},
    )
    assert [(one.state, one.filled_shares) for one in after.placed] == [
        (State.WORKING, 50),
        (State.INTENDED, 0),
    ]


def test_earlier_sessions_count_for_the_name_and_not_for_today(opened_home):
    home, connection = opened_home
    book(home, fill(1, "B", 1, -50_00, session=FRIDAY), fill(2, "B", 1, -50_00))
    books = books_of(home, connection)()

    assert books.name_sessions == {"B": 1}
    assert books.today.bought == {"B": 1}
    assert books.first_intent_at is None


def reconcile(connection, at=NOW, account=("paper", "paper"), **changes):
    clean = Reconciliation(
        at, is_preliminary=False, differences=(), locks=(), equity_cents=1, book_equity_cents=1
    )
    prepare_reconciliation(connection)
    store(connection, replace(clean, **changes), account)


def test_only_a_reconciliation_of_this_account_since_the_start_counts(opened_home):
    home, connection = opened_home
    read = books_of(home, connection)
    cash = Lock("", "d1", "unknown", NOW, "cash differs")

    assert read().is_reconciled is False  # never reconciled
    reconcile(connection)
    assert read().is_reconciled is True
    for changes in (
        {"at": NOW - timedelta(seconds=1)},
        {"account": ("another", "paper")},
        {"account": ("paper", "live")},
        {"is_preliminary": True},
        {"locks": (cash,)},
    ):
        reconcile(connection, **changes)
        assert read().is_reconciled is False, changes


def test_a_locked_name_is_among_the_books_and_does_not_lock_the_rest(opened_home):
    home, connection = opened_home
    reconcile(connection, locks=(Lock("C", "d1", "unknown", NOW, "10 shares differ"),))
    books = books_of(home, connection)()

    assert books.locks == {"C": "10 shares differ"}
    assert books.is_reconciled is True


def test_the_switch_is_read_again_for_every_order(opened_home):
    read = books_of(*opened_home)

    assert not read().switch.is_on
    trip_switch(opened_home[0], "Ada", "odd prices", NOW)
    assert read().switch.is_on


def test_overrides_of_the_audit_log_are_among_the_books(opened_home):
    instruction = Instruction("do_not_buy", "symbol", "C", MONDAY)
    added = add_override(opened_home[0], instruction, "Ada", "lawsuit", NOW)

    assert books_of(*opened_home)().overrides == (added,)


def test_a_home_without_a_champion_has_no_ramp(opened_home):
    assert books_of(*opened_home)().sessions_since_promotion == NEVER


def test_a_damaged_champion_leaves_the_ramp_unknown(opened_home):
    home, _ = opened_home
    home.production.mkdir(exist_ok=True)
    (home.production / "champion_metadata.json").write_text("{")

    assert books_of(*opened_home)().sessions_since_promotion is None


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["fill", "manual_trade", "dividend", "correction"]),
        st.sampled_from(["A", "C"]),
        st.integers(-50, 50),
        st.integers(-10_000, 10_000),
        st.sampled_from([FRIDAY, MONDAY]),
    ),
    max_size=8,
)


@given(ENTRIES)
def test_the_totals_are_the_balance_of_the_entries(rows):
    entries = [
        entry(str(number), kind, symbol=symbol, shares=shares, cash_cents=cents, session=session)
        for number, (kind, symbol, shares, cents, session) in enumerate(rows)
    ]
    totals = Totals(MONDAY)
    totals.add(Booked(e.kind, e.session, e.symbol, e.shares, e.cash_cents, e.order_id) for e in entries)
    balance = balance_of(entries)

    assert {symbol: shares for symbol, shares in totals.shares.items() if shares} == balance.shares
    assert totals.cash_cents == balance.cash_cents


def test_totals_read_in_pieces_are_those_of_the_whole(opened_home):
    home, connection = opened_home
    pieces = LedgerTotals(connection, MONDAY)
    for number in range(1, 4):
        book(home, fill(number, "A", -number, 100 * number))
        pieces.now()
    whole = LedgerTotals(connection, MONDAY).now()

    assert vars(pieces.now()) == vars(whole)
    assert whole.cash_cents == balance_of(booked(home)).cash_cents


# the wire guard


def stated(**changes):
    facts = Facts(NOW, make_account(), make_positions(), (), make_quotes(), {}, 980_000_00)
    return replace(facts, **changes)


def wire_check(connection, **changes):
    check = WireCheck(connection, FRIDAY, MONDAY, has_unique_ids=True, allows_live=False, environ={})
    return replace(check, **changes)


def test_the_guard_lets_a_clean_order_leave(opened_home):
    _, connection = opened_home
    for order in (SALE, BUY):
        track(connection, order, Event.ABOUT_TO_SEND)

        assert wire_check(connection)(order, None, stated()) == ""


def test_the_guard_reads_what_was_filled_since_the_broker_was_asked(opened_home):
    home, connection = opened_home
    book(home, fill(1, "A", -1, 50_00), fill(2, "C", 10, -970_100_00))
    check = wire_check(connection)
    small, large = (stated(account=make_account(equity_cents=cents)) for cents in (97_500_000, 10**9))

    assert "200 to sell, 199 free" in check(SALE, None, stated())
    assert "`buys_of_equity`" in check(BUY, None, small)
    assert "`cash`" in check(BUY, None, large)


def test_the_guard_counts_what_the_broker_does_not_show_yet(opened_home):
    _, connection = opened_home
    track(connection, replace(SALE, order_id="other", row=5, shares=1), Event.ABOUT_TO_SEND)

    assert "`sale`" in wire_check(connection)(SALE, None, stated())


def test_the_guard_counts_the_requests_of_an_id(opened_home):
    _, connection = opened_home
    track(connection, SALE, Event.ABOUT_TO_SEND, Event.ABOUT_TO_SEND)

    assert wire_check(connection)(SALE, None, stated()) == ""
    assert "`id`" in wire_check(connection, has_unique_ids=False)(SALE, None, stated())


# the approved day


@pytest.fixture
def approved(tmp_path):
    run = make_home(tmp_path)
    sign_day(run, add_person(run))
    folder = run.home.day_folder(run.session)
    return run, folder, sha256_of_bytes((folder / "approval.json").read_bytes())


def test_the_approved_day_is_read_from_the_bytes_that_were_approved(approved):
    run, _, digest = approved

    day = read_approved_day(run.home, run.session, digest)

    assert [(line.symbol, line.side, line.shares) for line in day.terms.lines] == [
        ("AAPL", "SELL", 100),
        ("MSFT", "BUY", 40),
    ]
    assert day.terms.equity_cents == 1_000_000_00
    assert (day.strategy, day.state, day.exposure_cap) == ("lightgbm", "BULL", Decimal("0.9"))
    assert day.sectors == {"AAPL": "Technology", "MSFT": "Technology"}
    assert day.terms.decided_at == EVENING - timedelta(hours=2)


@pytest.mark.parametrize("name", ["approval.json", "manifest.json", "signals.json", "portfolio_weights.csv"])
def test_a_file_changed_after_the_approval_is_refused(approved, name):
    run, folder, digest = approved
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    with pytest.raises(SafetyError):
        read_approved_day(run.home, run.session, digest)


def test_another_approval_is_refused(approved):
    run, _, _ = approved

    with pytest.raises(SafetyError, match="not the approval that is being executed"):
        read_approved_day(run.home, run.session, "0" * 64)
