import numpy as np
import pytest
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

from tasks.regime import statistical
from tasks.regime.rules import BEAR, BULL, CRASH, NEUTRAL
from tasks.regime.statistical import (
    Switching,
    expected_volatility,
    filtered_probability,
    fit_model,
    statistical_path,
    volatility_states,
)
from tests.builders import make_settings

RULES = make_settings().regime
MODEL = Switching(stay=(0.99, 0.95), mean=(0.05, -0.1), variance=(0.5, 5.0))


def switching_returns(sessions: int, seed: int = 0) -> np.ndarray:
    """Return daily returns whose volatility is 11% a year, and 40% in every second block of 125 sessions."""
    draw = np.random.default_rng(seed).standard_normal(sessions)
    is_wild = np.arange(sessions) // 125 % 2 == 1
    return draw * np.where(is_wild, 0.025, 0.007)


def business_days(sessions: int) -> np.ndarray:
    return np.busday_offset(np.datetime64("2010-01-04"), np.arange(sessions))


def test_the_filter_agrees_with_statsmodels():
    logs = 100 * np.log1p(switching_returns(600))
    oracle = MarkovRegression(logs, k_regimes=2, trend="c", switching_variance=True)
    filtered = oracle.filter(np.array([0.99, 0.05, 0.05, -0.1, 0.5, 5.0])).filtered_marginal_probabilities

    assert filtered_probability(MODEL, logs) == pytest.approx(filtered[:, 1], abs=1e-9)


def test_the_fit_finds_the_two_volatilities_and_orders_them():
    model = fit_model(100 * np.log1p(switching_returns(2000)))

    assert np.sqrt(model.variance) == pytest.approx([0.7, 2.5], rel=0.1)
    assert min(model.stay) > 0.95


def test_a_move_beyond_both_densities_is_turbulent():
    assert filtered_probability(MODEL, np.array([0.0, -500.0]))[-1] == 1.0


def test_no_session_changes_when_later_ones_are_removed():
    days, returns = business_days(1800), switching_returns(1800)

    whole = expected_volatility(days, returns)
    known = expected_volatility(days[:1700], returns[:1700])

    assert np.isfinite(known).any()
    np.testing.assert_array_equal(known, whole[:1700])


def test_without_enough_returns_the_rules_set_the_state(monkeypatch):
    monkeypatch.setattr(statistical, "LEAST_SESSIONS", 10_000)
    rules_path = np.full(1500, NEUTRAL)

    path = statistical_path(business_days(1500), switching_returns(1500), rules_path, RULES)

    assert path.tolist() == rules_path.tolist()


def test_states_follow_the_volatility_limits_of_the_rules():
    volatility = np.array([10.0, 18.0, 25.0, 40.0])

    assert volatility_states(volatility, RULES).tolist() == [BULL, NEUTRAL, BEAR, CRASH]
    assert volatility_states(np.array([16.0]), RULES, margin=RULES.improve_margin).tolist() == [NEUTRAL]
