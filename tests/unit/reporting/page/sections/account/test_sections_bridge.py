from dataclasses import replace
from datetime import date

import pytest

from tasks.core.sessions import session_on
from tasks.reporting.page.sections.account.bridge import bridge_of, cost_words, paid_for, when_words
from tests.unit.reporting.example_day import make_executed, make_inputs


def bridge_with(*executed):
    return bridge_of(replace(make_inputs(), executed=executed))


def test_the_stages_lead_from_the_target_to_the_equity_of_record():
    bridge = bridge_with(make_executed())

    assert bridge.is_closed
    assert bridge.start_cents + sum(stage.cents for stage in bridge.stages) == bridge.end_cents
    assert [stage.key for stage in bridge.stages] == [
        "proposed",
        "approved",
        "ordered",
        "filled",
        "price",
        "costs",
        "account",
    ]
    assert bridge.equity_words == "It is the equity at today's close."


def test_an_equity_that_is_not_todays_is_said_with_its_difference():
    inputs = make_inputs()
    book = inputs.records.portfolio.book
    portfolio = replace(inputs.records.portfolio, book=replace(book, equity_usd=book.equity_usd + 0.5))
    richer = replace(inputs, records=replace(inputs.records, portfolio=portfolio))

    assert bridge_of(richer).equity_words == "Today's equity differs from it by $0.50."


def test_an_equity_of_an_earlier_close_is_said_with_its_session():
    bridge = bridge_with(make_executed(fill_session="2024-06-13"))

    assert bridge.equity_words == "At the close of 2024-06-13."


@pytest.mark.parametrize(
    ("fills", "more_usd", "due_cents", "words"),
    [
        ("2024-06-14", 0.0, 1_234, "Without dividends due"),
        ("2024-06-14", 0.5, 0, "Today's equity differs from it by $0.50."),
        ("2024-06-13", 0.0, 0, "At the close of 2024-06-13."),
    ],
)
def test_dividends_due_complete_only_a_bridge_that_ends_at_todays_equity(fills, more_usd, due_cents, words):
    inputs = replace(make_inputs(), executed=(make_executed(fill_session=fills),))
    portfolio = inputs.records.portfolio
    book = replace(portfolio.book, equity_usd=portfolio.book.equity_usd + more_usd, receivable_usd=12.34)
    records = replace(inputs.records, portfolio=replace(portfolio, book=book))

    bridge = bridge_of(replace(inputs, records=records))

    assert (bridge.due_cents, bridge.equity_words) == (due_cents, words)


def test_what_is_unexplained_is_named_in_the_first_words():
    steps = [
        {"step": "target", "cause": "equity", "usd": "100.00"},
        {"step": "broker", "cause": "unexplained", "usd": "-2.50"},
        {"step": "broker", "cause": "equity of record", "usd": "97.50"},
    ]

    bridge = bridge_with(make_executed(bridge=steps))

    assert not bridge.is_closed
    assert bridge.words == "Not closed: −$2.50 is unexplained"
    assert bridge.unexplained_cents == -250


def test_without_an_execution_or_its_bridge_the_reason_is_said():
    assert bridge_with().words == "No trades have been executed yet."
    assert "has no bridge: 1 filled, 1 expired" in bridge_with(make_executed(bridge=[])).words
    assert "cannot be read" in bridge_with(make_executed(bridge=None)).words


def test_the_cost_of_an_execution_is_split_and_compared_with_its_estimate():
    text = " ".join(cost_words(make_executed()))

    assert "1 of 2 trades filled in full, 1 in part: $17,646.00 traded." in text
    assert "Charged by the broker $1.90. With spread and impact $7.90, estimated $3.50." in text
    assert "Prices moved $26.00 against us" in text
    assert "in all $27.90 paid, 15.8 bps" in text
    assert "estimated" not in " ".join(cost_words(make_executed(estimated_cents=None)))


def test_what_was_paid_is_prices_and_fees_in_cents():
    paid = paid_for(make_executed())

    assert (paid.price_cents, paid.fee_cents, paid.estimated_cents) == (2_600, 190, 350)
    assert (paid.total_cents, paid.traded_cents) == (2_790, 1_764_600)
    assert (paid.execution_cents, paid.comparable_cents) == (600, 790)
    assert paid.bps == pytest.approx(15.81, abs=0.005)
    assert paid_for(None) is None
    assert paid_for(make_executed(orders=[], session="2024-06-13")) is None


def test_without_a_bridge_no_part_of_the_cost_compares_with_the_estimate():
    paid = paid_for(make_executed(bridge=[]))

    assert paid is not None
    assert (paid.execution_cents, paid.comparable_cents) == (None, None)
    assert "estimated" not in " ".join(cost_words(make_executed(bridge=[])))


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2024, 6, 14), "Thursday, 13 June 2024"),
        (date(2024, 6, 17), "Thursday, 13 June 2024, the last session with an execution,"),
    ],
)
def test_an_execution_that_is_not_of_the_session_before_is_said_to_be_the_last(today, said):
    inputs = make_inputs()
    later = replace(inputs, run=replace(inputs.run, session=session_on(today)))

    assert when_words(later, make_executed()) == said


def test_a_holiday_between_is_not_a_session_without_an_execution():
    inputs = make_inputs()
    friday = replace(inputs, run=replace(inputs.run, session=session_on(date(2026, 11, 27))))
    before_thanksgiving = replace(make_executed(), session=date(2026, 11, 25))

    assert when_words(friday, before_thanksgiving) == "Wednesday, 25 November 2026"


def test_an_execution_that_filled_nothing_costs_nothing():
    day = make_executed(orders=[], session=str(date(2024, 6, 13)))

    assert cost_words(day) == ("0 of 2 trades filled in full, 2 not at all.",)
