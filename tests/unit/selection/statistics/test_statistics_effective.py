import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.selection.statistics.effective import cluster_trials, correlations


def noise(seed, count, sessions=600):
    return np.random.default_rng(seed).normal(0, 0.01, (sessions, count))


def alike(seed, count, *, correlation, sessions=600):
    """Return trials that share this much of their variance."""
    common, own = noise(seed, 1, sessions), noise(seed + 1000, count, sessions)
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def effective(returns, weeks=None):
    return cluster_trials(returns, weeks or [1] * returns.shape[1]).total


def test_unrelated_trials_count_in_full_and_identical_ones_once():
    assert effective(noise(1, 20)) == pytest.approx(20)
    assert effective(np.repeat(noise(1, 1), 20, axis=1)) == pytest.approx(1)


def test_no_trials_are_no_chances():
    assert effective(np.empty((0, 0))) == 0
    assert effective(noise(1, 1)) == 1


def test_clusters_are_found_and_their_trials_are_worth_what_they_share():
    returns = np.hstack([alike(1, 10, correlation=0.9), alike(2, 5, correlation=0.8)])

    clusters = cluster_trials(returns, [1] * 15)

    assert clusters.effective == pytest.approx([0.9 + 0.1 * 10, 0.8 + 0.2 * 5], abs=0.15)
    assert np.corrcoef(clusters.returns[:, 0], returns[:, :10].mean(axis=1))[0, 1] == pytest.approx(1)


# fault 142
def test_every_other_seed_raises_the_number():
    seeds = alike(1, 26, correlation=0.9)

    found = [effective(seeds[:, :count]) for count in range(1, 27)]

    assert found == sorted(found)
    assert found[-1] > found[0] + 2


def test_the_same_trials_in_later_weeks_count_once_and_new_data_raises_the_number():
    week = np.hstack([alike(1, 3, correlation=0.9), noise(7, 1)])
    one = effective(week)
    again = effective(np.hstack([week, week]), [1] * 4 + [2] * 4)
    later = np.full((1200, 8), np.nan)
    later[:600, :4], later[600:, 4:] = week, alike(3, 4, correlation=0.9)

    assert again == pytest.approx(one)
    assert effective(later, [1] * 4 + [2] * 4) > one + 0.9


def test_correlations_are_of_the_sessions_that_both_have():
    returns = noise(3, 4)
    returns[:100, 0], returns[400:, 1], returns[:570, 2] = np.nan, np.nan, np.nan

    found = correlations(returns)

    expected = pd.DataFrame(returns).corr(min_periods=60).fillna(0).to_numpy(copy=True)
    np.fill_diagonal(expected, 1)
    assert found == pytest.approx(expected)
    assert found[2, :2].tolist() == [0, 0]


def test_constant_returns_correlate_with_nothing():
    assert correlations(np.hstack([np.zeros((100, 1)), noise(1, 1, 100)]))[0, 1] == 0


@given(st.integers(1, 12), st.integers(0, 50), st.floats(0, 1))
def test_it_is_between_one_and_the_number_of_trials(count, seed, correlation):
    found = effective(alike(seed, count, correlation=correlation, sessions=80))

    assert 1 - 1e-9 <= found <= count + 1e-9
