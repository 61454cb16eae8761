"""A whole execution at the scripted broker with the real gates and the real guard: it sells, waits and buys."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.before_sending.approved_day import ApprovedDay
from tasks.execution.before_sending.ready import make_checks
from tasks.execution.gates.facts import Terms, approved_line
from tasks.execution.journal import read_execution
from tasks.execution.progress import Outcome, advance
from tasks.execution.reconciliation.schema import Lock, Reconciliation
from tasks.execution.reconciliation.store import prepare, store
from tasks.ledger.database import opened
from tasks.safety.kill_switch import read_switch, trip_switch
from tasks.safety.overrides import Instruction, add_override
from tests.builders import make_settings
from tests.execution_days import EVENING, FILLS, LINES, MORNING, OPENS, SESSION, Day, make_day

SETTINGS = make_settings(**{"approval.account": "A1"})
CASH = 100_000_00
EQUITY = CASH + 100 * 10_00 + 50 * 20_00
TERMS = Terms(
    session=SESSION,
    account="A1",
    mode="paper",
    is_demo=False,
    decided_at=EVENING - timedelta(hours=2),
    expires_at=OPENS,
    equity_cents=EQUITY,
    lines=tuple(map(approved_line, LINES)),
)
APPROVED = ApprovedDay(TERMS, "c" * 64, "lightgbm", "BULL", Decimal(1), {})


class GuardedDay(Day):
    """A day whose desk has the checks of its home."""

    approved = APPROVED

    @contextmanager
    def desk(self, wrap=lambda broker: broker):
        with super().desk(wrap) as desk:
            execution = read_execution(desk.connection, SESSION)
            gates, guard = make_checks(
                self.home,
                desk.connection,
                desk.broker,
                SETTINGS,
                execution,
                self.approved,
                clock=self.clock,
                environ={},
            )
            yield replace(desk, gates=gates, wire_guard=guard, switch=lambda: read_switch(self.home))


@pytest.fixture
def day(tmp_path):
    plain = make_day(tmp_path, cash=CASH)
    return GuardedDay(plain.home, plain.broker_file, plain.script, plain.clock)


def reconcile(day, *locks):
    found = Reconciliation(
        MORNING,
        is_preliminary=False,
        differences=(),
        locks=locks,
        equity_cents=EQUITY,
        book_equity_cents=EQUITY,
    )
    with opened(day.home) as connection:
        prepare(connection)
        store(connection, found, ("A1", "paper"))


def test_a_clean_day_sells_and_buys_everything(day):
    reconcile(day)

    progress = day.steps()

    assert progress.outcome is Outcome.ENDED
    assert day.states() == dict.fromkeys(["AAA", "BBB", "CCC", "DDD"], "filled")
    day.assert_books_agree()


def test_nothing_is_bought_before_books_and_broker_are_reconciled(day):  # X12
    day.steps()

    states = day.states()
    assert [states["AAA"], states["BBB"]] == ["filled", "filled"]
    assert "filled" not in {states.get("CCC"), states.get("DDD")}


def test_a_locked_name_is_not_bought_and_the_others_are(day):  # X16
    reconcile(day, Lock("CCC", "d1", "unknown", MORNING, "10 shares differ"))

    day.steps()

    assert day.states()["DDD"] == "filled"
    assert day.states()["CCC"] != "filled"


def test_an_override_stops_one_name_and_is_named_in_the_journal(day):  # A3
    add_override(day.home, Instruction("do_not_buy", "symbol", "CCC", FILLS), "Ada", "lawsuit", EVENING)
    reconcile(day)

    day.steps()

    assert (day.states()["CCC"], day.states()["DDD"]) == ("void", "filled")
    assert any("override" in event.reason and "Ada" in event.reason for event in day.events())


def test_a_halt_between_two_steps_stops_the_rest(day):  # fault 42
    reconcile(day)
    with day.desk() as desk:
        advance(desk, SESSION)
    trip_switch(day.home, "Ada", "odd prices", MORNING)

    day.steps()

    assert "filled" not in {day.states().get("CCC"), day.states().get("DDD")}


def test_an_account_that_is_not_the_approved_one_gets_nothing(day):  # fault 65
    reconcile(day)
    day.approved = replace(APPROVED, terms=replace(TERMS, account="another"))

    day.steps()

    assert not [one for one in day.truth().orders if one.row >= 0]
