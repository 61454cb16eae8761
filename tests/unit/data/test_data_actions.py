from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.data.actions import clean_actions, closes_at, closes_before, factors, factors_by_row
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

    returns = at * factors(acts, before=before, at=at) / before - 1

    assert returns == pytest.approx([0.01, 0.04, 2 * (48 + 3) / 100 - 1])


def test_without_a_bar_on_the_day_the_close_before_less_the_dividend_stands_in():
    acts = make_actions(("A", MONDAY, 2.0, 1.0), ("A", MONDAY, 2.0, 4.0), ("A", MONDAY, 2.0, 1.0))
    before, missing = np.array([100.0, 100.0, np.nan]), np.full(3, np.nan)

    assert factors(acts, before=before, at=missing) == pytest.approx([100 / 98, 4 * 25 / 23, 1.0])


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


def test_a_symbol_that_is_not_allowed_is_told_once_and_none_of_its_actions_is_applied():
    clean, findings = clean_actions(
        make_actions(("../A", FRIDAY, 0.5, 1.0), ("../A", MONDAY, 0.6, 1.0), ("B", MONDAY, 0.5, 1.0)), DAYS
    )

    assert clean["symbol"].tolist() == ["B"]
    assert len(findings) == 1
