from dataclasses import replace
from datetime import date

from tasks.portfolio.schema import CASH
from tasks.reporting.day.inputs import PreviousDay
from tasks.reporting.day.ledger import printed_weights
from tasks.reporting.page.sections.changes import changes_since
from tests.unit.reporting.example_day import make_inputs


def changes(previous):
    inputs = replace(make_inputs(), previous=previous)
    return changes_since(inputs, printed_weights(inputs.frames.weights, inputs.frames.after))


def previous_day(weights, *, regime="BULL", model="ab12cd34ef56" + "7" * 52):
    return PreviousDay(date(2024, 6, 13), regime, "lightgbm", model, weights, "f" * 64)


def today():
    frames = make_inputs().frames
    weights = printed_weights(frames.weights, frames.after)
    return dict(zip(weights["symbol"], weights["weight"], strict=True))


def test_without_an_earlier_report_there_is_nothing_to_compare():
    assert changes(None) is None


def test_the_same_portfolio_again_has_no_changes():
    found = changes(previous_day(today()))

    assert (found.added, found.removed, found.moved, found.regime, found.model) == ((), (), (), None, None)
    assert found.unmoved == 20


def test_names_that_came_in_went_out_or_moved_are_distinguished():
    before = today() | {"ALDR": 0.05, "GONE": 0.03}
    del before["CNDR"]

    found = changes(previous_day(before))

    assert [shift.symbol for shift in found.added] == ["CNDR"]
    assert [shift.symbol for shift in found.removed] == ["GONE"]
    assert [(shift.symbol, shift.before, shift.after) for shift in found.moved] == [("ALDR", 0.05, 0.091)]
    assert found.added[0].why == "rank 3 of 480"


def test_cash_is_distinguished_from_names():
    found = changes(previous_day(today() | {CASH: 0.5}))

    assert found.cash.before == 0.5
    assert CASH not in {shift.symbol for shift in (*found.added, *found.removed, *found.moved)}


def test_a_new_regime_and_a_new_model_are_named_with_what_they_replace():
    found = changes(previous_day(today(), regime="CRASH", model="0" * 64))

    assert found.regime == ("CRASH", "BULL")
    assert found.model == ("lightgbm 00000000", "lightgbm ab12cd34")
