"""The gates as the driver calls them: one answer for the step, one for each order, with the gates' names."""

from dataclasses import replace

import pytest

from tasks.approval.schema import Line
from tasks.core.errors import SafetyError
from tasks.execution import checks
from tasks.execution.before_sending.named_gates import NamedGates
from tasks.execution.gates.facts import Window
from tasks.execution.gates.limits import limits_of
from tasks.execution.schema import State
from tests.builders import make_settings
from tests.execution_facts import (
    CLOSES,
    MONDAY,
    NOW,
    OPENED,
    make_account,
    make_books,
    make_order,
    make_override,
    make_terms,
    make_truth,
    placed,
    tripped,
)

SETTINGS = make_settings()
BANDS = {"price": "50", "lowest_price": "45", "highest_price": "55", "least_shares": "0"}
SALE = Line(symbol="A", side="SELL", shares="200", **BANDS)
BUY = Line(symbol="C", side="BUY", shares="200", **BANDS)


def make_gates(*, takes_at=NOW, **books):
    return NamedGates(
        terms=make_terms(),
        window=Window(MONDAY, OPENED, CLOSES, CLOSES),
        limits=limits_of(SETTINGS),
        broker="paper",
        live_account="",
        takes=lambda _order, _at: takes_at,
        clock=lambda: NOW,
        begin=lambda: lambda: make_books(**books),
    )


def stated(**changes):
    truth = make_truth()
    facts = checks.Facts(
        at=NOW,
        account=truth.account,
        positions=truth.positions,
        open_orders=(),
        quotes=truth.quotes,
        assets=truth.assets,
        ledger_cash_cents=980_000_00,
    )
    return replace(facts, **changes)


def test_a_clean_step_admits_everything_and_passes_its_orders():
    gates = make_gates()

    assert gates.admission(stated()) == checks.Admission("everything")
    assert gates.check(make_order("SELL"), SALE, stated()) == checks.Verdict("pass")
    assert gates.check(make_order("BUY"), BUY, stated()) == checks.Verdict("pass")


@pytest.mark.parametrize(
    ("books", "account", "gate"),
    [
        ({"is_reconciled": False}, {}, "reconciled"),
        ({"is_reconciled": None}, {}, "reconciled"),
        ({"switch": tripped("volatility")}, {}, "switch"),
        ({}, {"only_closing": True}, "only_closing"),
        ({"placed": (placed(make_order(shares=20_000), State.INTENDED),)}, {}, "batch_cash"),
    ],
)
def test_what_concerns_buys_alone_admits_reductions(books, account, gate):  # X12
    admission = make_gates(**books).admission(stated(account=make_account(**account)))

    assert (admission.admits, admission.gate) == ("reductions", gate)
    assert admission.why


@pytest.mark.parametrize(
    ("books", "account", "gate"),
    [
        ({"switch": tripped("by_hand")}, {}, "switch"),
        ({}, {"account": "another"}, "account"),
        ({}, {"is_preliminary": True}, "preliminary"),
    ],
)
def test_a_gate_of_the_batch_that_fails_admits_nothing(books, account, gate):
    admission = make_gates(**books).admission(stated(account=make_account(**account)))

    assert (admission.admits, admission.gate) == ("nothing", gate)


def test_books_that_cannot_be_read_admit_nothing():
    def broken():
        raise SafetyError("The audit log is not intact.", remedy="Look.")

    gates = replace(make_gates(), begin=lambda: broken)

    assert gates.admission(stated()).admits == "nothing"
    assert gates.check(make_order("SELL"), SALE, stated()).answer != "pass"


def test_an_order_waits_for_its_window_and_is_void_for_its_size():
    assert make_gates(takes_at=CLOSES).check(make_order(), BUY, stated()).answer == "wait"
    verdict = make_gates().check(make_order(shares=201), BUY, stated())

    assert (verdict.answer, verdict.gate) == ("void", "approved_size")
    assert verdict.why == "more than approved (201, limit ≤ 200); also override"


def test_a_failure_that_voids_is_named_before_one_that_waits():
    verdict = make_gates(takes_at=CLOSES, overrides=(make_override("do_not_buy"),)).check(
        make_order(), BUY, stated()
    )

    assert (verdict.answer, verdict.gate) == ("void", "override")
    assert verdict.why.endswith("; also window")


def test_a_missing_quote_makes_an_order_wait():
    assert make_gates().check(make_order(), BUY, stated(quotes={})).answer == "wait"


@pytest.mark.parametrize(
    "line", [BUY.model_copy(update={"shares": "201"}), BUY.model_copy(update={"highest_price": "56"}), SALE]
)
def test_a_line_that_is_not_the_approved_one_is_void(line):
    verdict = make_gates().check(make_order(), line, stated())

    assert (verdict.answer, verdict.gate) == ("void", "approved_line")


def test_a_waived_gate_is_logged_with_the_person(caplog):
    waiver = make_override("waive", gate="name_trades")
    verdict = make_gates(name_sessions={"C": 99}, overrides=(waiver,)).check(make_order(), BUY, stated())

    assert verdict.answer == "pass"
    assert "name_trades" in caplog.text
    assert "by Ada" in caplog.text


def test_the_batch_is_what_was_intended_and_not_yet_sent():
    sent = placed(make_order("SELL", symbol="C", shares=1), State.WORKING)
    intended = placed(make_order(), State.INTENDED)

    assert make_gates(placed=(sent, intended)).admission(stated()).admits == "everything"
    both = (replace(sent, state=State.INTENDED), intended)
    assert make_gates(placed=both).admission(stated()).gate == "one_side"


def test_what_changes_rarely_is_read_once_in_a_step_and_the_books_for_every_order():
    steps, reads = [], []

    def begin():
        steps.append(1)
        return lambda: reads.append(1) or make_books()

    gates = replace(make_gates(), begin=begin)
    for _ in range(2):
        gates.admission(stated())
        gates.check(make_order(), BUY, stated())
        gates.check(make_order("SELL"), SALE, stated())

    assert (len(steps), len(reads)) == (2, 6)
