from dataclasses import replace

import pytest

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.day.ledger import printed_trades, printed_weights
from tasks.reporting.page.sections.attention import attention
from tasks.reporting.page.sections.bridge import bridge_of
from tasks.reporting.page.sections.changes import changes_since
from tasks.reporting.page.sections.contributors import ContributorLine
from tasks.reporting.page.sections.trade_list import trade_lines
from tests.parity_records import make_compared, make_parity
from tests.unit.reporting.example_day import make_executed, make_inputs


def items(inputs, contributors=()):
    trades = printed_trades(inputs.frames.trades)
    weights = printed_weights(inputs.frames.weights, inputs.frames.after)
    lines, changes = trade_lines(inputs, trades), changes_since(inputs, weights)
    return attention(inputs, assess_day(inputs), lines, changes, bridge_of(inputs), contributors)


def words(inputs):
    return " | ".join(item.words for item in items(inputs))


def test_what_stops_comes_before_warnings_and_notes():
    inputs = make_inputs()
    day = inputs.run.session.day
    compared = make_compared(day, make_parity(day, differs=(day,)))

    found = items(replace(inputs, records=replace(inputs.records, compared=compared)))

    assert [item.weight for item in found] == sorted(
        (item.weight for item in found), key=["stop", "warning", "note"].index
    )
    assert "Differs from the backtest in 1 of 1 session" in found[0].words


def test_a_bridge_that_does_not_close_is_a_stop_and_a_closed_one_is_not_listed():
    open_ended = make_executed(
        bridge=[
            {"step": "target", "cause": "equity", "usd": "100.00"},
            {"step": "account", "cause": "interest", "usd": "1.00"},
            {"step": "broker", "cause": "unexplained", "usd": "3.00"},
            {"step": "broker", "cause": "equity of record", "usd": "104.00"},
        ]
    )

    assert "Bridge of 2024-06-13: Not closed" in words(replace(make_inputs(), executed=(open_ended,)))
    assert "Not closed" not in words(make_inputs())


@pytest.mark.parametrize(
    "found",
    [
        "The regime changed from NEUTRAL to BULL.",
        "2 names in quarantine: HLXX, ZPHR; none is held.",
        "2 trades with a liquidity warning: XNTH, TRRA.",
        "2 intended trades dropped: MRDN, ZPHR.",
        "Max Sharpe gave no portfolio; HRP was used instead.",
        "1 trade of 2024-06-13 filled with fewer shares than approved: ALDR.",
    ],
)
def test_the_example_lists_each_unusual_fact_once(found):
    assert words(make_inputs()).count(found) == 1


def test_an_ordinary_day_lists_nothing():
    inputs = make_inputs(hold=True, previous=False)
    market = replace(inputs.records.market, quarantined=(), findings=())
    quiet = replace(inputs, records=replace(inputs.records, market=market))
    within = replace(assess_day(quiet), limits=())
    lines = trade_lines(quiet, printed_trades(quiet.frames.trades))

    assert attention(quiet, within, lines, None, bridge_of(quiet), ()) == ()


@pytest.mark.parametrize(
    ("key", "cents", "stops"), [("day", -9_00, True), ("day", 0, False), ("month", -9_00, False)]
)
def test_a_gain_that_the_ledger_does_not_explain_stops_on_its_day(key, cents, stops):
    line = ContributorLine(key, key, (), (), 0, 0, 0, cents, 1_00)

    found = [item for item in items(make_inputs(), [line]) if item.anchor == "performance"]

    assert [item.weight for item in found] == (["stop"] if stops else [])
    assert not stops or "−$9.00" in found[0].words
