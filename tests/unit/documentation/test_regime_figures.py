import numpy as np
import pandas as pd
import pytest

from tasks.regime.exposure import exposure_cap
from tasks.regime.rules import BEAR, BULL, CRASH, NEUTRAL
from tests.builders import make_settings
from tests.documentation.regime_figures import (
    calm_years,
    capped_returns,
    caps_of,
    figures_of,
    market_lows,
    next_open_returns,
    sessions_to_recover,
    whipsaw_cost,
)
from tests.unit.documentation.regime_histories import make_history

RULES = make_settings().regime


def test_a_session_earns_the_return_from_the_next_open_to_the_one_after_it():
    opened = np.array([100.0, 100.0, 110.0, 121.0])
    levels = pd.DataFrame({"open": opened, "close": 50.0, "adj_close": 50.0})

    assert next_open_returns(levels).tolist()[:2] == pytest.approx([0.10, 0.10])
    assert next_open_returns(levels)[2:].isna().all()


def test_what_is_not_invested_earns_the_bill_and_a_change_of_exposure_costs_5_basis_points():
    history = make_history([0.10, 0.0])

    returns = capped_returns(history, np.array([1.0, 0.3]))

    assert returns.tolist() == pytest.approx([0.10, 0.7 * 0.0001 - 0.0005 * 0.7])


@pytest.mark.parametrize("volatility", [15.0, 40.0, 41.0, np.nan])
def test_the_caps_are_those_of_the_daily_run(volatility):
    states = np.array([CRASH, BEAR, NEUTRAL, BULL])

    caps = caps_of(states, np.full(4, volatility), RULES)

    names = ["CRASH", "BEAR", "NEUTRAL", "BULL"]
    assert caps.tolist() == [exposure_cap(name, volatility, RULES) for name in names]


def test_no_return_before_a_cut_reaches_behind_it():
    history = make_history([0.01] * 20)
    known = history.until(str(history.sessions[10].date()))

    assert len(known.sessions) == 10
    assert np.isfinite(known.benchmark).tolist() == [True] * 8 + [False] * 2
    assert len(known.inputs.trend) == 10


def test_a_lowered_cap_that_is_back_within_a_month_costs_what_it_missed():
    cap = np.array([1.0, 0.7, 0.7, 1.0])
    excess = np.array([0.0, 0.01, 0.01, 0.05])

    lost, count = whipsaw_cost(cap, excess)

    assert count == 1
    assert lost == pytest.approx(0.3 * 0.02 + 0.0005 * 0.6)


def test_a_cap_that_stays_lowered_for_a_month_is_not_a_whipsaw():
    cap = np.array([1.0] + [0.7] * 22 + [1.0])

    assert whipsaw_cost(cap, np.zeros(24)) == (0.0, 0)


def test_a_year_with_a_close_10_percent_below_the_high_is_not_calm():
    drawdown = np.full(400, -0.05)
    drawdown[0] = -0.10

    history = make_history([0.0] * 400, drawdown=drawdown)

    assert calm_years(history) == [2025]


def test_changes_short_episodes_and_crashes_in_calm_years_are_counted():
    states = np.array([BULL] * 100 + [CRASH] * 5 + [BULL] * 100)
    history = make_history([0.001] * 205)

    figures = figures_of(history, states, np.ones(205), first=2024, last=2024)

    assert figures.changes_a_year == pytest.approx(2 / (205 / 252))
    assert (figures.short_episodes, figures.calm_crashes) == (1, 5)


def test_a_low_is_the_lowest_close_around_it_and_recovery_counts_from_there():
    falling = [-0.005] * 100 + [0.005] * 100
    history = make_history(falling, drawdown=np.full(200, -0.3))
    states = np.where(np.arange(200) < 110, CRASH, BEAR)

    lows = market_lows(history, first=2024, last=2024)

    assert lows.tolist() == [99]
    assert sessions_to_recover(states, lows) == [11]
