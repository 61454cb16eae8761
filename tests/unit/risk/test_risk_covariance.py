import numpy as np
import pytest

from tasks.risk.covariance import (
    daily_returns,
    estimable,
    estimate_covariance,
    fill_gaps,
    repair_singular,
)


def correlated_returns(sessions: int = 250, names: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.01, (sessions, 1)) + rng.normal(0, 0.01, (sessions, names))


def test_returns_are_missing_where_a_close_is():
    close = np.array([[10.0], [11.0], [np.nan], [12.0], [0.0]])

    returns = daily_returns(close)

    assert returns[0, 0] == pytest.approx(0.10)
    assert np.isnan(returns[1:, 0]).all()


def test_names_with_short_histories_or_no_movement_are_left_out():
    returns = correlated_returns(names=3)
    returns[:200, 1] = np.nan
    returns[:, 2] = 0.0

    assert estimable(returns, min_history_frac=0.8).tolist() == [True, False, False]


def test_a_window_of_a_few_sessions_estimates_nobody():
    assert not estimable(correlated_returns(sessions=10), min_history_frac=0.8).any()


def test_without_gaps_the_estimate_is_the_librarys_own():
    from sklearn.covariance import ledoit_wolf

    returns = correlated_returns()

    expected, shrinkage = ledoit_wolf(returns)
    covariance = estimate_covariance(returns)

    assert covariance.matrix == pytest.approx(expected)
    assert covariance.shrinkage == pytest.approx(shrinkage)
    assert not covariance.is_repaired


def test_gaps_leave_a_names_mean_and_variance_as_observed():
    returns = correlated_returns()
    returns[::5, 0] = np.nan

    filled = fill_gaps(returns)

    assert filled[:, 0].mean() == pytest.approx(np.nanmean(returns[:, 0]))
    assert filled[:, 0].std() == pytest.approx(np.nanstd(returns[:, 0]))
    assert np.array_equal(filled[:, 1:], returns[:, 1:]) or filled[:, 1:] == pytest.approx(returns[:, 1:])


def test_gaps_do_not_make_a_name_look_calm_or_unrelated():
    whole = correlated_returns(sessions=500)
    gapped = whole.copy()
    gapped[np.random.default_rng(1).random(500) < 0.2, 0] = np.nan

    zero_filled = np.cov(np.nan_to_num(gapped), rowvar=False)
    ours = np.cov(fill_gaps(gapped), rowvar=False)
    true = np.cov(whole, rowvar=False)

    assert abs(ours[0, 0] / true[0, 0] - 1) < 0.1 < abs(zero_filled[0, 0] / true[0, 0] - 1)
    assert abs(ours[0, 1:].mean() / true[0, 1:].mean() - 1) < abs(
        zero_filled[0, 1:].mean() / true[0, 1:].mean() - 1
    )


def test_a_sound_matrix_is_not_touched():
    sound = np.array([[4.0, 1.0], [1.0, 3.0]])

    repaired, was_needed = repair_singular(sound)

    assert not was_needed
    assert np.array_equal(repaired, sound)


def test_no_names_give_an_empty_estimate():
    assert estimate_covariance(np.empty((250, 0))).matrix.shape == (0, 0)
