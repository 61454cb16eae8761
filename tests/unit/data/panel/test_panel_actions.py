from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.data.panel.actions import (
    clean_actions,
    closes_at,
    closes_before,
    factors_by_row,
    pays_out_everything,
    total_return_factors,
)
from tests.deliveries import typed

MONDAY, FRIDAY, SATURDAY = date(2024, 6, 10), date(2024, 6, 7), date(2024, 6, 8)
DAYS = sessions_between(date(2024, 1, 2), date(2024, 6, 14))


def make_actions(*rows: tuple[str, date, float, float]) -> pd.DataFrame:
    return typed("actions", pd.DataFrame(rows, columns=["symbol", "session", "dividend", "split"]))


def test_an_ex_date_on_a_closed_day_takes_effect_on_the_next_session():
    clean, findings = clean_actions(make_actions(("A", SATURDAY, 0.5, 1.0)), DAYS)

    assert clean["session"].tolist() == [pd.Timestamp(MONDAY)]
    assert findings.empty


def test_a_dividend_and_a_split_of_one_day_become_one_row():
    clean, findings = clean_actions(make_actions(("A", MONDAY, 0.5, 1.0), ("A", MONDAY, 0.0, 2.0)), DAYS)

    assert clean[["dividend", "split"]].to_numpy().tolist() == [[0.5, 2.0]]
    assert findings.empty


def test_two_different_dividends_of_one_day_contradict_each_other_and_none_is_applied():
    clean, findings = clean_actions(make_actions(("A", MONDAY, 0.5, 1.0), ("A", MONDAY, 0.6, 1.0)), DAYS)

    assert clean.empty
    assert findings["rule"].tolist() == ["conflicting_action"]


@pytest.mark.parametrize(
    ("dividend", "split"), [(np.nan, 1.0), (-1.0, 1.0), (0.5, 0.0), (0.5, np.inf), (1e308, 1.0), (0, 1e308)]
)
def test_senseless_actions_are_reported_and_not_applied(dividend, split):
    clean, findings = clean_actions(make_actions(("A", MONDAY, dividend, split)), DAYS)

    assert clean.empty
    assert findings[["rule", "severity"]].to_numpy().tolist() == [["bad_action", "quarantine"]]


def test_rows_that_say_nothing_and_repetitions_are_left_out():
    clean, findings = clean_actions(
        make_actions(("A", MONDAY, 0.0, 1.0), ("B", MONDAY, 0.5, 1.0), ("B", MONDAY, 0.5, 1.0)), DAYS
    )

    assert clean["symbol"].tolist() == ["B"]
    assert findings.empty


def test_with_its_factor_a_days_return_is_what_a_holder_got():
    acts = make_actions(("A", MONDAY, 2.0, 1.0), ("A", MONDAY, 0.0, 4.0), ("A", MONDAY, 3.0, 2.0))
    before, at = np.array([100.0, 100.0, 100.0]), np.array([99.0, 26.0, 48.0])

    returns = at * total_return_factors(acts, before=before, at=at) / before - 1

    assert returns == pytest.approx([0.01, 0.04, 2 * (48 + 3) / 100 - 1])


def test_without_a_bar_on_the_day_the_previous_close_less_the_dividend_is_used():
    acts = make_actions(("A", MONDAY, 2.0, 1.0), ("A", MONDAY, 2.0, 4.0), ("A", MONDAY, 2.0, 1.0))
    before, missing = np.array([100.0, 100.0, np.nan]), np.full(3, np.nan)

    assert total_return_factors(acts, before=before, at=missing) == pytest.approx(
        [100 / 98, 4 * 25 / 23, 1.0]
    )


def test_the_close_at_an_ex_date_is_that_of_the_very_day():
    at = closes_at(
        np.array([0, 0, 1]),
        np.array([3, 4, 9]),
        row_code=np.array([0, 1]),
        row_day=np.array([3, 9]),
        close=np.array([10.0, 20.0]),
    )

    assert at == pytest.approx([10.0, np.nan, 20.0], nan_ok=True)


def test_the_close_before_an_ex_date_is_the_last_one_within_reach():
    code, day = np.array([0, 0, 0, 1]), np.array([3, 4, 40, 3])
    before = closes_before(
        code,
        day,
        row_code=np.array([0, 0, 1]),
        row_day=np.array([2, 3, 3]),
        close=np.array([10.0, 11.0, 20.0]),
    )

    assert before == pytest.approx([10.0, 11.0, np.nan, np.nan], nan_ok=True)


def test_an_action_takes_effect_at_the_first_bar_on_or_after_its_day():
    by_row, rows = factors_by_row(
        np.array([0, 0, 1]),
        np.array([3, 9, 1]),
        np.array([2.0, 5.0, 3.0]),
        row_code=np.array([0, 0, 1]),
        row_day=np.array([2, 4, 2]),
    )

    assert by_row.tolist() == [1.0, 2.0, 3.0]
    assert rows.tolist() == [1, -1, 2]


def test_an_invalid_symbol_is_reported_once_and_none_of_its_actions_is_applied():
    clean, findings = clean_actions(
        make_actions(("../A", FRIDAY, 0.5, 1.0), ("../A", MONDAY, 0.6, 1.0), ("B", MONDAY, 0.5, 1.0)), DAYS
    )

    assert clean["symbol"].tolist() == ["B"]
    assert len(findings) == 1


def test_rows_come_in_the_order_of_symbols_and_sessions_where_a_day_had_two_actions():
    rows = [
        ("B", MONDAY, 0.5, 1.0),
        ("B", MONDAY, 0.0, 2.0),
        ("A", MONDAY, 0.2, 1.0),
        ("A", MONDAY, 0.0, 3.0),
    ]

    clean, _ = clean_actions(make_actions(*rows, ("C", FRIDAY, 0.1, 1.0)), DAYS)

    assert clean.index.tolist() == [0, 1, 2]
    assert clean["symbol"].tolist() == ["C", "A", "B"]
    assert clean["split"].tolist() == [1.0, 3.0, 2.0]


def test_a_single_bar_is_found_at_its_day_and_before_it():
    here = {"row_code": np.array([4]), "row_day": np.array([10]), "close": np.array([7.0])}

    assert closes_at(np.array([4, 4]), np.array([10, 11]), **here) == pytest.approx(
        [7.0, np.nan], nan_ok=True
    )
    assert closes_before(np.array([4, 4]), np.array([11, 10]), **here) == pytest.approx(
        [7.0, np.nan], nan_ok=True
    )


def test_without_bars_nothing_is_known():
    here = {"row_code": np.array([], int), "row_day": np.array([], int), "close": np.array([])}

    assert np.isnan(closes_at(np.array([4]), np.array([10]), **here)).tolist() == [True]
    assert np.isnan(closes_before(np.array([4]), np.array([10]), **here)).tolist() == [True]


def test_the_close_before_is_at_most_twenty_five_sessions_old():
    here = {"row_code": np.array([0]), "row_day": np.array([10]), "close": np.array([7.0])}

    before = closes_before(np.array([0, 0]), np.array([35, 36]), **here)

    assert before == pytest.approx([7.0, np.nan], nan_ok=True)


def test_without_rows_no_action_takes_effect():
    by_row, rows = factors_by_row(
        np.array([0]), np.array([1]), np.array([2.0]), row_code=np.array([], int), row_day=np.array([], int)
    )

    assert by_row.size == 0
    assert rows.tolist() == [-1]


def test_an_action_after_the_only_bar_takes_no_effect():
    by_row, rows = factors_by_row(
        np.array([0]), np.array([5]), np.array([2.0]), row_code=np.array([0]), row_day=np.array([2])
    )

    assert by_row.tolist() == [1.0]
    assert rows.tolist() == [-1]


def test_two_actions_that_reach_the_same_bar_both_take_effect():
    by_row, rows = factors_by_row(
        np.array([0, 0]),
        np.array([1, 2]),
        np.array([2.0, 3.0]),
        row_code=np.array([0]),
        row_day=np.array([2]),
    )

    assert by_row.tolist() == [6.0]
    assert rows.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("dividend", "split", "everything"), [(10.0, 1.0, True), (9.99, 1.0, False), (2.5, 4.0, True)]
)
def test_a_payout_of_the_whole_close_is_detected(dividend, split, everything):
    acts = make_actions(("A", MONDAY, dividend, split))

    assert pays_out_everything(acts, before=np.array([10.0])).tolist() == [everything]


def test_an_action_after_the_last_trading_day_is_left_for_later_and_bounds_are_inclusive():
    later = date(2024, 6, 15)
    rows = [
        ("A", later, 0.5, 1.0),
        ("B", MONDAY, 0.0, 1e4),
        ("C", MONDAY, 0.0, 1e-4),
        ("D", MONDAY, 0.0, 1.1e4),
    ]

    clean, findings = clean_actions(make_actions(*rows), DAYS)

    assert clean["symbol"].tolist() == ["B", "C"]
    assert findings["symbol"].tolist() == ["D"]
    assert findings["evidence"].tolist() == ["dividend 0 split 11000"]


def test_findings_on_actions_say_what_was_done_and_are_numbered_through():
    rows = [
        ("A", MONDAY, np.nan, 1.0),
        ("B", MONDAY, 0.5, 1.0),
        ("B", MONDAY, 0.6, 1.0),
        ("../C", MONDAY, 0.5, 1.0),
    ]

    _, findings = clean_actions(make_actions(*rows), DAYS)

    assert findings.index.tolist() == [0, 1, 2]
    assert findings["rule"].tolist() == ["unsafe_symbol", "bad_action", "conflicting_action"]
    assert findings["severity"].tolist()[1:] == ["quarantine", "quarantine"]
    assert findings["action"].tolist() == ["refused, nothing stored", "not applied", "not applied"]
    assert findings["evidence"].tolist()[:2] == [
        "the symbol of an action is not allowed",
        "dividend nan split 1",
    ]


def test_two_different_splits_of_one_day_contradict_each_other_and_none_is_applied():
    clean, findings = clean_actions(make_actions(("A", MONDAY, 0.0, 2.0), ("A", MONDAY, 0.0, 3.0)), DAYS)

    assert clean.empty
    assert findings["rule"].tolist() == ["conflicting_action"]
