"""Tests of VaR: regions of Kupiec (1995, table 3), a case worked out by hand, and planted clusters."""

import numpy as np
import pytest
from scipy.stats import chi2

from tasks.risk.var_tests import check_forecasts, coverage, exceedances


def spread(sessions: int, count: int) -> np.ndarray:
    exceeded = np.zeros(sessions, dtype=bool)
    exceeded[np.linspace(0, sessions - 1, count).round().astype(int)] = True
    return exceeded


# confidence, sessions, fewest and most exceedances that the test accepts at 95 %
@pytest.mark.parametrize(
    ("confidence", "sessions", "fewest", "most"),
    [
        (0.99, 255, 1, 6),
        (0.99, 510, 2, 10),
        (0.99, 1000, 5, 16),
        (0.95, 255, 7, 20),
        (0.95, 510, 17, 35),
        (0.95, 1000, 38, 64),
    ],
)
def test_frequencies_are_accepted_within_kupiecs_regions(confidence, sessions, fewest, most):
    accepted = [
        count for count in range(1, 100) if coverage(spread(sessions, count), confidence).kupiec_p > 0.05
    ]

    assert (accepted[0], accepted[-1]) == (fewest, most)


def test_independence_worked_out_by_hand():
    exceeded = np.array(
        [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0], dtype=bool
    )  # 5, 2 after calm; 2, 1 after an exceedance

    outcome = coverage(exceeded, 0.8)

    with_memory = 5 * np.log(5 / 7) + 2 * np.log(2 / 7) + 2 * np.log(2 / 3) + np.log(1 / 3)
    without = 7 * np.log(7 / 10) + 3 * np.log(3 / 10)
    independence = 2 * (with_memory - without)
    frequency = 2 * (8 * np.log(8 / 11) + 3 * np.log(3 / 11) - 8 * np.log(0.8) - 3 * np.log(0.2))
    assert (outcome.sessions, outcome.exceedances) == (11, 3)
    assert outcome.expected == pytest.approx(2.2)
    assert outcome.kupiec_p == pytest.approx(chi2.sf(frequency, 1))
    assert outcome.independence_p == pytest.approx(chi2.sf(independence, 1))
    assert outcome.conditional_p == pytest.approx(chi2.sf(frequency + independence, 2))


def test_the_right_number_in_one_cluster_is_rejected_for_its_cluster():
    clustered = np.zeros(500, dtype=bool)
    clustered[200:225] = True

    outcome = coverage(clustered, 0.95)

    assert outcome.kupiec_p == pytest.approx(1.0)
    assert outcome.independence_p < 1e-10
    assert outcome.conditional_p < 1e-9
    assert coverage(spread(500, 25), 0.95).conditional_p > 0.2


@pytest.mark.parametrize("exceeded", [np.zeros(100, dtype=bool), np.ones(100, dtype=bool)])
def test_never_and_always_are_tested_and_not_an_error(exceeded):
    outcome = coverage(exceeded, 0.95)

    assert outcome.kupiec_p < 0.05
    assert outcome.independence_p == 1


def test_no_sessions_test_nothing():
    outcome = check_forecasts(np.zeros(126), 0.95)

    assert outcome[:3] == (0, 0, 0)
    assert np.isnan(outcome[3:]).all()


def test_a_forecast_knows_only_the_sessions_before_it():
    returns = np.random.default_rng(0).normal(0, 0.01, 60)
    changed = returns.copy()
    changed[50:] = -0.5

    before, after = (exceedances(each, 0.9, window=20) for each in (returns, changed))

    assert len(before) == 40
    assert before[:30].tolist() == after[:30].tolist()
    for place in range(40):
        quantile = np.quantile(returns[place : place + 20], 0.1, method="lower")
        assert before[place] == (returns[place + 20] < quantile)


def test_a_gain_exceeds_no_forecast():
    assert not exceedances(np.linspace(0.02, 0.01, 50), 0.95, window=20).any()


def test_a_loss_as_large_as_the_forecast_does_not_exceed_it():
    assert not exceedances(np.full(50, -0.01), 0.95, window=20).any()


def test_forecasts_of_steady_returns_hold_and_those_before_a_crash_do_not():
    steady = np.random.default_rng(1).normal(0, 0.01, 700)

    assert check_forecasts(steady, 0.95).kupiec_p > 0.05
    wilder = np.concatenate([steady[:126], 4 * steady[126:300]])
    assert check_forecasts(wilder, 0.95).kupiec_p < 0.05
