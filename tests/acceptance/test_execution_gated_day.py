"""A whole execution at the scripted broker with the real gates and the real guard: it sells, waits and buys."""

from dataclasses import replace

import pytest

from tasks.execution.progress import Outcome
from tasks.execution.reconciliation.schema import Lock
from tasks.safety.kill_switch.switch import trip_switch
from tasks.safety.overrides import Instruction, add_override
from tests.execution_days import EVENING, FILLS, LINES, MORNING, make_line
from tests.guarded_days import APPROVED, TERMS, make_guarded, reconcile


@pytest.fixture
def day(tmp_path):
    return make_guarded(tmp_path)


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
    day.step()
    trip_switch(day.home, "Ada", "odd prices", MORNING)

    day.steps()

    assert "filled" not in {day.states().get("CCC"), day.states().get("DDD")}


@pytest.mark.parametrize(
    "edited", [make_line("AAA", "SELL", 99), make_line("BBB", "SELL", 20), make_line("AAA", "BUY", 100)]
)
def test_a_line_that_was_edited_in_the_ledger_is_void_and_the_others_are_not(tmp_path, edited):
    """The table of executions has no chain: the line is compared with the approval before each order."""
    day = make_guarded(tmp_path, lines=(edited, *LINES[1:]))
    reconcile(day)

    day.steps()

    assert {real.symbol for real in day.truth().orders if real.row >= 0} == {"BBB", "CCC", "DDD"}
    assert any("line 0 is not the one that was approved" in event.reason for event in day.events())


def test_an_account_that_is_not_the_approved_one_gets_nothing(day):  # fault 65
    reconcile(day)
    day.approved = replace(APPROVED, terms=replace(TERMS, account="another"))

    day.steps()

    assert not [one for one in day.truth().orders if one.row >= 0]
