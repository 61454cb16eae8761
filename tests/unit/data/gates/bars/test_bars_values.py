from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.sessions import sessions_between
from tasks.data.gates.bars.values import check_bars
from tests.deliveries import make_bars

MONDAY, TUESDAY, SATURDAY = date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 15)
DAYS = sessions_between(date(2024, 1, 2), date(2024, 6, 14))


def test_good_bars_pass_sorted_and_without_a_word():
    bars = make_bars(("B", MONDAY, 10), ("A", TUESDAY, 11), ("A", MONDAY, 10))

    checked = check_bars(bars, DAYS)

    assert checked.good["symbol"].astype(str).tolist() == ["A", "A", "B"]
    assert checked.set_aside.empty
    assert checked.findings.empty


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (("A", MONDAY, np.nan, 11, 9, 10, 100), "missing_value"),
        (("A", MONDAY, 10, np.inf, 9, 10, 100), "missing_value"),
        (("A", MONDAY, 10, 11, 9, 10, np.nan), "missing_value"),
        (("A", MONDAY, 10, 11, 0, 10, 100), "price_not_positive"),
        (("A", MONDAY, -10, 11, -10, 10, 100), "price_not_positive"),
        (("A", MONDAY, 10, 11, 9, 10, -1), "negative_volume"),
        (("A", MONDAY, 10, 9.9, 9, 9.5, 100), "inconsistent_bar"),
        (("A", MONDAY, 10, 11, 9.8, 9.7, 100), "inconsistent_bar"),
        (("A", SATURDAY, 10, 11, 9, 10, 100), "non_trading_day"),
        # issue 10, line 21
        (("A", MONDAY, *[1e308] * 4, 100), "impossible_price"),
        (("A", MONDAY, *[1e-320] * 4, 100), "impossible_price"),
        (("A", MONDAY, 10, 11, 9, 10, 1e308), "impossible_volume"),
    ],
)
def test_a_bar_that_fails_a_gate_is_set_aside_with_its_figures_as_evidence(row, rule):
    checked = check_bars(make_bars(row, ("B", MONDAY, 20)), DAYS)

    assert checked.good["symbol"].tolist() == ["B"]
    assert checked.set_aside["rule"].tolist() == [rule]
    finding = checked.findings.iloc[0]
    assert (finding["symbol"], finding["rule"], finding["severity"]) == ("A", rule, "quarantine")
    assert "open" in finding["evidence"]


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 1e6), st.sampled_from([-1, 1]))
def test_issue_10_line_21_one_unit_in_the_last_place_is_not_an_inconsistency(price, side):
    beyond = float(np.nextafter(price, price + side))
    bars = make_bars(
        ("A", MONDAY, price, price, price, beyond, 100), ("A", TUESDAY, beyond, price, price, price, 100)
    )

    assert check_bars(bars, DAYS).set_aside.empty
    assert check_bars(
        make_bars(("A", MONDAY, price, price, price, price * (1 + side * 1e-6), 100)), DAYS
    ).set_aside["rule"].tolist() == ["inconsistent_bar"]


def test_equal_duplicates_are_stored_once_and_noted():
    checked = check_bars(make_bars(("A", MONDAY, 10), ("A", MONDAY, 10)), DAYS)

    assert len(checked.good) == 1
    assert checked.findings[["rule", "severity"]].to_numpy().tolist() == [["repeated_row", "note"]]


def test_of_conflicting_duplicates_none_is_stored():
    checked = check_bars(make_bars(("A", MONDAY, 10), ("A", MONDAY, 11), ("A", TUESDAY, 10)), DAYS)

    assert checked.good["session"].tolist() == [pd.Timestamp(TUESDAY)]
    assert checked.set_aside["rule"].tolist() == ["conflicting_duplicate"] * 2
    assert checked.findings["rule"].tolist() == ["conflicting_duplicate"]


def test_an_empty_delivery_has_no_findings():
    checked = check_bars(make_bars(), DAYS)

    assert checked.good.empty
    assert checked.findings.empty


ANY_NUMBER = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1e308, 5e-324]), st.floats(0.01, 1e4))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from(DAYS[-4:].tolist()), *[ANY_NUMBER] * 5), max_size=8
    )
)
def test_whatever_comes_in_only_consistent_unique_bars_pass_and_no_row_is_lost(rows):
    bars = make_bars(*rows)

    checked = check_bars(bars, DAYS)

    good = checked.good
    assert not good.duplicated(["symbol", "session"]).any()
    figures = good[["open", "high", "low", "close", "volume"]].to_numpy()
    assert np.isfinite(figures).all()
    assert (figures[:, :4] > 0).all()
    assert (good["low"] * (1 - 1e-9) <= good[["open", "close"]].min(axis=1)).all()
    assert (good["high"] >= good[["open", "close"]].max(axis=1) * (1 - 1e-9)).all()
    assert ((figures[:, :4] >= 1e-4) & (figures[:, :4] <= 1e7)).all()
    assert (figures[:, 4] <= 1e13).all()
    assert len(good) + len(checked.set_aside) + bars.duplicated().sum() == len(bars)
