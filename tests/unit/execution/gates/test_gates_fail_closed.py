"""A fact that is missing, a limit that is none and a gate that raises are failed gates, never passed ones (S4)."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from tasks.execution.gates import table
from tasks.execution.gates.facts import Books, Truth, approved_line
from tasks.execution.gates.limits import Limits
from tasks.execution.gates.table import check_batch, check_order, failed, may_wait
from tests.builders import make_settings
from tests.execution_days import make_line
from tests.execution_facts import make_facts, make_order, make_override

SETTINGS = make_settings()
# None means something else for these
TOLD_OTHERWISE = {"first_intent_at"}
NO_LIMITS = {"allows_live", "spends_unsettled"}


def verdicts(facts, side="BUY"):
    return (*check_batch(facts), *check_order(replace(facts, one=make_order(side))))


@pytest.mark.parametrize("field", [field.name for field in fields(Truth)])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_nothing_passes_when_the_broker_did_not_say(field, side):
    results = failed(verdicts(make_facts(SETTINGS, **{f"truth_{field}": None}), side))

    assert results
    assert all("not known" in result.reason for result in results)


def test_an_order_is_not_sent_when_the_broker_did_not_say_from_when_it_takes_it():
    assert [one.name for one in failed(check_order(make_facts(SETTINGS, make_order(), takes_at=None)))] == [
        "window"
    ]


@pytest.mark.parametrize("field", [field.name for field in fields(Books) if field.name not in TOLD_OTHERWISE])
def test_nothing_is_bought_when_the_home_does_not_know(field):
    results = failed(verdicts(make_facts(SETTINGS, **{f"books_{field}": None})))

    assert results
    assert all("not known" in result.reason for result in results)


@pytest.mark.parametrize("broken", [Decimal("NaN"), None, "0.1"], ids=["NaN", "absent", "text"])
@pytest.mark.parametrize("field", [field.name for field in fields(Limits) if field.name not in NO_LIMITS])
def test_a_limit_that_is_none_fails_its_gate(field, broken):  # fault 47
    order = make_order(timing="limit", limit_price=Decimal(50))
    held = {} if field == "max_entry_buys_frac" else {"A": Decimal(200)}
    facts = make_facts(
        SETTINGS, order, books_sessions_since_promotion=0, books_shares=held, **{f"limits_{field}": broken}
    )

    assert failed((*check_batch(facts), *check_order(facts)))


def test_an_order_whose_row_was_not_approved_fails():
    results = failed(check_order(make_facts(SETTINGS, make_order(row=2))))

    assert {"approved_line", "approved_size", "price_band", "override"} <= {result.name for result in results}


@pytest.mark.parametrize("error", [ValueError("broken"), ZeroDivisionError(), RecursionError()])
def test_a_gate_that_raises_has_failed(monkeypatch, error):  # fault 48
    def broken(_facts):
        raise error

    monkeypatch.setattr(table, "ORDER_GATES", (("symbol", broken),))

    (result,) = check_order(make_facts(SETTINGS, make_order()))

    assert (result.name, result.passed, result.value) == ("symbol", False, "could not run")
    assert type(error).__name__ in result.reason


def test_a_waived_gate_passes_and_names_who_waived_it():
    facts = make_facts(SETTINGS, make_order(), books_name_sessions={"C": 99})
    waived = replace(
        facts, books=replace(facts.books, overrides=(make_override("waive", gate="name_trades"),))
    )

    assert [result.name for result in failed(check_order(facts))] == ["name_trades"]
    assert failed(check_order(waived)) == ()
    assert [result.waived_by for result in check_order(waived) if result.waived_by] == [
        "override 1 by Ada (waive name_trades, symbol C): a reason"
    ]


def test_a_gate_that_must_hold_cannot_be_waived():
    facts = make_facts(
        SETTINGS, make_order(shares=201), books_overrides=(make_override("waive", gate="approved_size"),)
    )

    assert "approved_size" in {result.name for result in failed(check_order(facts))}


def test_a_gate_without_its_facts_is_not_waived():
    facts = make_facts(
        SETTINGS,
        make_order(),
        books_name_sessions=None,
        books_overrides=(make_override("waive", gate="name_trades"),),
    )

    assert [result.name for result in failed(check_order(facts))] == ["name_trades"]


def test_an_order_waits_only_for_what_may_pass_later():
    not_yet = check_order(make_facts(SETTINGS, make_order(), books_locks={"C": "10 shares differ"}))
    never = check_order(make_facts(SETTINGS, make_order(shares=201), books_locks={"C": "10 shares differ"}))

    assert may_wait(not_yet)
    assert not may_wait(never)


def test_an_approved_line_of_a_fraction_of_a_share_is_refused():
    with pytest.raises(ValueError, match="whole number"):
        approved_line(make_line("AAA", "BUY", "1.5"))
