"""The comparison with the backtest in words and as a record."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.backtest.parity.schema import LineDifference, RestatedBar, Trade
from tasks.reporting.day.parity import parity_headline, parity_record, parity_words
from tests.parity_records import make_parity

TODAY, BEFORE = date(2024, 6, 14), date(2024, 6, 13)


def test_an_equal_comparison_says_so_and_what_the_backtest_holds():
    parity = make_parity(TODAY, BEFORE)

    assert parity_headline(parity) == "Equal to the backtest to the share and cent, 2 sessions"
    holds = "After today's trades are filled, the champion's backtest holds 20 positions worth $95,000.00"
    assert parity_words(parity) == (f"{holds} and $5,000.00 in cash.",)
    record = parity_record(parity)
    assert record["state"] == "equal"
    assert record["holds"] == {"positions": 20, "value_cents": 9_500_000, "cash_cents": 500_000}
    assert (record["difference_shares"], record["difference_cents"]) == (0, 0)


def test_the_first_day_has_no_fills_yet():
    words = " ".join(parity_words(make_parity(TODAY)))

    assert "There are no earlier sessions yet" in words


def test_a_difference_is_stated_in_shares_and_cents_by_name_and_warns():
    parity = make_parity(TODAY, BEFORE, differs=(BEFORE,))

    assert parity_headline(parity) == "Differs from the backtest in 1 of 2 sessions"
    assert "Do not approve today's trades until you know the cause" in " ".join(parity_words(parity))
    record = parity_record(parity)
    assert (record["state"], record["difference_shares"]) == ("different", 10)
    assert record["difference_cents"] == 10 * 5_000 + 12
    assert record["sessions"][1]["lines"][0]["symbol"] == "XNTH"
    assert record["sessions"][1]["lines"][0]["backtest"]["shares"] == 90


@pytest.mark.parametrize(
    ("day", "backtest", "shares", "cents"),
    [
        (Trade("BUY", 10, 100, 5), None, 10, 1_005),
        (Trade("BUY", 10, 100, 5), Trade("SELL", 10, 100, 5), 20, 2_000),
        (Trade("SELL", 10, 100, 5), Trade("SELL", 10, 101, 5), 0, 10),
        (None, None, 0, 0),
    ],
)
def test_the_difference_of_two_trades(day, backtest, shares, cents):
    line = LineDifference("A", day, backtest, "", "0.0100000000")

    assert (line.shares, line.cents) == (shares, cents)


def test_restated_bars_and_skipped_sessions_are_listed_never_hidden():
    bar = RestatedBar(BEFORE, TODAY, "XNTH", 51.0, 50.0)
    parity = make_parity(TODAY, restated=(bar,), skipped=((BEFORE, "settings or code have changed since"),))

    words = " ".join(parity_words(parity))

    assert "corrected 1 bar of these sessions later: XNTH of 2024-06-13 (known 2024-06-14)" in words
    assert "Not compared: 1 session (2024-06-13: settings or code have changed since)." in words
    assert parity_record(parity)["restated"][0]["first_close"] == 50.0
    assert parity_record(parity)["skipped"] == [
        {"date": "2024-06-13", "reason": "settings or code have changed since"}
    ]


def test_changed_bars_are_a_difference_even_where_no_trade_differs():
    parity = make_parity(TODAY, BEFORE)
    changed = replace(parity, sessions=(parity.sessions[0], replace(parity.sessions[1], data_differs=True)))

    assert parity_headline(changed) == "Differs from the backtest in 1 of 2 sessions"
    assert "Bars used in 1 session (earliest: 2024-06-13) have changed in the lake" in " ".join(
        parity_words(changed)
    )
    assert parity_record(changed)["sessions"][1]["data_differs"] is True


def test_what_could_not_be_compared_says_why():
    parity = make_parity(problem="The lake has no bars up to 2024-06-14.")

    assert parity_headline(parity) == "Not compared with the backtest"
    assert parity_words(parity)[0] == "The lake has no bars up to 2024-06-14."
    assert parity_record(parity)["state"] == "not_compared"
