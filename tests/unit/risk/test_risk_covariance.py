import numpy as np
import pandas as pd
import pytest

from tasks.risk.covariance import (
    covariance_of,
    daily_returns,
    estimable,
    estimate_shrinkage,
    fill_gaps,
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

    returns = pd.DataFrame(correlated_returns(), columns=list("ABCDEFGH"))

    expected, intensity = ledoit_wolf(returns.to_numpy())
    shrinkage = estimate_shrinkage(returns.to_numpy())

    assert covariance_of(returns, "ABCDEFGH", shrinkage).to_numpy() == pytest.approx(expected, rel=1e-10)
    assert shrinkage.intensity == pytest.approx(intensity, rel=1e-10)
    assert not shrinkage.is_repaired


def test_the_covariance_of_some_names_comes_by_symbol_and_without_those_that_have_no_estimate():
    returns = pd.DataFrame(correlated_returns(), columns=list("ABCDEFGH"))
    shrinkage = estimate_shrinkage(returns.to_numpy())

    some = covariance_of(returns, ["H", "NEW", "B", "H"], shrinkage)

    whole = covariance_of(returns, returns.columns, shrinkage)
    assert list(some.index) == list(some.columns) == ["B", "H"]
    assert some.to_numpy() == pytest.approx(whole.loc[["B", "H"], ["B", "H"]].to_numpy(), rel=1e-12)


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


def test_a_covariance_without_any_shrinkage_that_can_be_inverted_is_not_touched():
    plus, minus = [0.01, 0.01], [0.01, -0.01]
    returns = pd.DataFrame([plus, [-x for x in plus], minus, [-x for x in minus]] * 10, columns=["A", "B"])

    shrinkage = estimate_shrinkage(returns.to_numpy())

    assert not shrinkage.is_repaired
    assert covariance_of(returns, ["A", "B"], shrinkage).to_numpy() == pytest.approx(1e-4 * np.eye(2))


def test_no_names_give_an_empty_estimate():
    returns = pd.DataFrame(np.empty((250, 0)))

    shrinkage = estimate_shrinkage(returns.to_numpy())

    assert covariance_of(returns, ["A"], shrinkage).shape == (0, 0)
