"""Issue 10, line 18: benchmark, volatility index and risk-free rate pass gates of their own."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.sessions import sessions_ending
from tasks.data.gates.level_checks import LevelRules, check_levels, check_yields
from tasks.data.schema.tables import empty_table
from tests.builders import FRIDAY, make_settings
from tests.deliveries import typed

RULES = LevelRules("SPY", "^VIX", make_settings().data.quality.levels)
DAYS = sessions_ending(FRIDAY, 60)
NOTHING = empty_table("levels").drop(columns="known")
CALM = [14.0, 14.5, 13.9, 14.2]


def levels(name: str, closes: list[float], *, spread: float = 0.0, total: list[float] | None = None):
    """Return the closes as levels of the last sessions, with highs and lows so far from them."""
    close = np.array(closes)
    figures = {"open": close, "high": close * (1 + spread), "low": close * (1 - spread), "close": close}
    days = DAYS[-len(closes) :].astype("datetime64[s]")
    return typed(
        "levels",
        pd.DataFrame({"name": name, "session": days, **figures, "adj_close": total or closes}),
    )


def yields(closes: list[float]):
    days = DAYS[-len(closes) :].astype("datetime64[s]")
    return typed("riskfree", pd.DataFrame({"session": days, "yield_pct": closes}))


def unusable(frame: pd.DataFrame, stored: pd.DataFrame = NOTHING) -> list[date]:
    """Return the days whose level is left out."""
    check = check_yields if "yield_pct" in frame.columns else check_levels
    good, findings = check(frame, stored, RULES, DAYS)
    left_out = sorted(set(frame["session"].dt.date) - set(good["session"].dt.date))
    assert sorted(findings["session"].dt.date) == left_out
    assert set(findings["severity"]) <= {"note"}
    return left_out


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (levels("^VIX", [*CALM, 142.0]), "not plausible within"),
        (levels("^VIX", [*CALM, 1420.0]), "between 5 and 150"),
        (levels("^VIX", [*CALM, 1.42]), "between 5 and 150"),
        (levels("^VIX", [60.0, 61.0, 6.1]), "not plausible within"),
        (levels("^VIX", [*CALM, 14.2], spread=0.01), "stale"),
        (levels("SPY", [400.0, 404.0, 4040.0]), "not plausible within"),
        (levels("SPY", [400.0, 404.0, 40.4]), "not plausible within"),
        (levels("SPY", [400.0, 404.0, -404.0]), "between"),
        (levels("SPY", [400.0, 404.0, np.nan]), "between"),
        (levels("SPY", [400.0, 404.0, 1e308]), "between"),
        (levels("SPY", [400.0, 404.0, 406.0], total=[300.0, 303.0, 340.0]), "adj_close"),
        (levels("SPY", [400.0, *[404.0] * 5]), "stale"),
        (yields([4.0, 4.1, 41.0]), "between -1% and 25%"),
        (yields([5.0, 5.1, 0.51]), "not plausible within"),
        (yields([1.2, 1.2, 0.12]), "not plausible within"),
        (yields([0.5, 0.5, 5.0]), "not plausible within"),
    ],
)
def test_issue_10_line_18_a_level_that_cannot_be_right_is_left_out_with_its_figures(frame, why):
    check = check_yields if "yield_pct" in frame.columns else check_levels

    good, findings = check(frame, NOTHING, RULES, DAYS)

    assert unusable(frame) == [FRIDAY]
    assert len(good) == len(frame) - 1
    assert why in findings["evidence"].iloc[0]


@pytest.mark.parametrize(
    "frame",
    [
        levels("^VIX", [17.31, 37.32, 29.98], spread=0.05),  # February 2018, the greatest move there was
        levels("SPY", [282.0, 247.0, 224.0, 254.0], spread=0.02),
        levels("SPY", [282.0, 282.0 * 0.795], spread=0.02),  # as in 1987
        levels("SPY", [400.0, 400.0, 400.0, 401.0]),
        yields([0.86, 0.02, 0.07, 0.92]),  # September 2008
        yields([0.05] * 19),
    ],
)
def test_what_markets_really_did_is_believed(frame):
    assert unusable(frame) == []


@pytest.mark.parametrize("name", ["SPY", "^VIX"])
def test_issue_10_line_18_of_two_levels_of_a_day_that_differ_neither_is_used(name):
    frame = levels(name, [20.0, 20.2, 20.1])
    other = frame.iloc[[-1]].assign(close=20.3, high=20.3)

    assert unusable(pd.concat([frame, other], ignore_index=True)) == [FRIDAY]
    assert unusable(pd.concat([frame, frame], ignore_index=True)) == []


def test_a_close_outside_its_own_low_and_high_contradicts_itself():
    frame = levels("^VIX", [20.0, 20.2, 20.1], spread=0.01)
    frame.loc[2, "high"] = 19.0

    assert unusable(frame) == [FRIDAY]


def test_issue_10_line_18_a_new_level_is_compared_with_the_stored_one_that_was_good():
    stored = levels("^VIX", CALM)
    new = levels("^VIX", [140.0, 142.0])
    new["session"] = DAYS[-2:].astype("datetime64[s]")
    stored["session"] = DAYS[-6:-2].astype("datetime64[s]")

    assert unusable(new, stored) == [day.item() for day in DAYS[-2:]]


def test_a_real_jump_beyond_the_bound_is_accepted_once_it_persists():
    assert unusable(levels("^VIX", [*CALM, 40.0, 40.5, 41.0])) == [DAYS[-3].item()]


def test_a_level_that_is_old_is_compared_with_nothing():
    frame = levels("SPY", [100.0, 180.0])
    frame["session"] = [pd.Timestamp(DAYS[0]), pd.Timestamp(DAYS[-1])]

    assert unusable(frame) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_levels_are_checked_the_same_in_parts_and_at_once(first, cut_at, seed):
    rng = np.random.default_rng(seed)
    closes = 20 * np.exp(np.cumsum(rng.normal(0, 0.03, 22)))
    closes[first] *= rng.choice([0.1, 10.0, 1.0])
    whole = levels("^VIX", closes.tolist())
    good, _ = check_levels(whole, NOTHING, RULES, DAYS)

    before, _ = check_levels(whole.iloc[:cut_at], NOTHING, RULES, DAYS)
    after, _ = check_levels(whole.iloc[cut_at:].reset_index(drop=True), before, RULES, DAYS)

    assert [*before["session"], *after["session"]] == good["session"].tolist()
