import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tasks.risk.covariance import (
    centred_returns,
    covariance_of,
    estimable,
    estimate_factors,
    estimate_shrinkage,
    fill_gaps,
)


def correlated_returns(sessions: int = 250, names: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.01, (sessions, 1)) + rng.normal(0, 0.01, (sessions, names))


def test_names_with_short_histories_or_no_movement_are_left_out():
    returns = correlated_returns(names=3)
    returns[:200, 1] = np.nan
    returns[:, 2] = 0.0

    assert estimable(returns, min_history_frac=0.8).tolist() == [True, False, False]


def test_a_name_that_only_falls_moves():
    assert estimable(-np.abs(correlated_returns(names=2)), min_history_frac=0.8).all()


def test_a_window_of_a_few_sessions_estimates_nobody():
    assert not estimable(correlated_returns(sessions=10), min_history_frac=0.8).any()


def test_without_gaps_the_estimate_is_the_librarys_own():
    from sklearn.covariance import ledoit_wolf

    returns = pd.DataFrame(correlated_returns(), columns=list("ABCDEFGH"))

    expected, intensity = ledoit_wolf(returns.to_numpy())
    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert covariance_of(returns, "ABCDEFGH", shrinkage).to_numpy() == pytest.approx(expected, rel=1e-10)
    assert shrinkage.intensity == pytest.approx(intensity, rel=1e-10)
    assert not shrinkage.is_repaired


def test_the_covariance_of_some_names_comes_by_symbol_and_without_those_that_have_no_estimate():
    returns = pd.DataFrame(correlated_returns(), columns=list("ABCDEFGH"))
    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

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
    assert np.array_equal(filled[:, 1:], returns[:, 1:])


def test_the_layout_of_the_returns_does_not_change_a_byte():
    """The daily run reads them by name, a backtest cuts them by session."""
    returns = correlated_returns()
    returns[::5, 0] = np.nan

    by_session, by_name = (
        centred_returns(np.ascontiguousarray(returns)),
        centred_returns(np.asfortranarray(returns)),
    )

    assert by_session.tobytes() == by_name.tobytes()


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

    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert not shrinkage.is_repaired
    assert covariance_of(returns, ["A", "B"], shrinkage).to_numpy() == pytest.approx(1e-4 * np.eye(2))


def test_no_names_give_an_empty_estimate():
    returns = pd.DataFrame(np.empty((250, 0)))

    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert covariance_of(returns, ["A"], shrinkage).shape == (0, 0)


# issue 10, part 2: the oracle, name by name
def test_a_gap_takes_the_mean_standard_move_of_the_names_that_traded_even_of_one():
    returns = np.array(
        [[0.02, np.nan, 0.01], [-0.01, 0.03, np.nan], [0.03, np.nan, np.nan], [0.01, -0.02, 0.04]]
    )
    returns = np.vstack([returns, np.full(3, np.nan), [[-0.02, 0.01, -0.03]]])

    filled = fill_gaps(returns)

    standard = (returns - np.nanmean(returns, axis=0)) / np.nanstd(returns, axis=0)
    for name in range(3):
        own = [
            row[name]
            if np.isfinite(row[name])
            else row[np.isfinite(row)].sum() / max(np.isfinite(row).sum(), 1)
            for row in standard
        ]
        again = (np.array(own) - np.mean(own)) / np.std(own)
        expected = np.nanmean(returns[:, name]) + np.nanstd(returns[:, name]) * again
        assert filled[:, name] == pytest.approx(expected)


def test_history_and_movement_are_enough_at_their_bounds_and_not_below():
    returns = correlated_returns(sessions=50, names=4)
    returns[:10, 0] = np.nan  # 40 of 50 are left
    returns[:11, 1] = np.nan
    returns[:, 2:] = 0.0
    returns[5:7, 2] = 0.01
    returns[5, 3] = 0.01  # moved once and never again
    returns[6:9, 3] = np.nan  # which is not a move either

    assert estimable(returns, min_history_frac=0.8).tolist() == [True, False, True, False]
    assert estimable(returns[10:30, :1], min_history_frac=0.8).tolist() == [True]
    assert estimable(returns[10:29, :1], min_history_frac=0.8).tolist() == [False]


def test_a_covariance_that_cannot_be_inverted_is_lifted_to_its_floor():
    returns = pd.DataFrame([[0.01, 0.02], [-0.01, -0.02]] * 20, columns=["A", "B"])

    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert shrinkage.is_repaired
    assert shrinkage.intensity == pytest.approx(0, abs=1e-9)
    assert shrinkage.diagonal == pytest.approx(2e-8 * 2.5e-4, rel=1e-3)
    least, most = np.linalg.eigvalsh(covariance_of(returns, ["A", "B"], shrinkage))
    assert least / ((least + most) / 2) >= 1e-8


def test_more_names_than_sessions_that_are_not_shrunk_are_lifted_to_the_floor():
    moves = np.array([0.01, 0.02, 0.03])

    shrinkage = estimate_shrinkage(np.array([moves, -moves]))

    assert shrinkage.is_repaired
    assert shrinkage.intensity == 0
    assert shrinkage.diagonal == pytest.approx(2e-8 * (moves**2).mean())


def test_one_name_alone_keeps_its_variance():
    returns = pd.DataFrame({"A": correlated_returns(names=1)[:, 0]})

    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert shrinkage == (0.0, 0.0, False)
    assert covariance_of(returns, ["A"], shrinkage).loc["A", "A"] == pytest.approx(returns["A"].var(ddof=0))


def test_fewer_sessions_than_names_are_estimated_as_by_the_library():
    from sklearn.covariance import ledoit_wolf

    returns = correlated_returns(sessions=30, names=60)

    expected, _ = ledoit_wolf(returns)
    names = pd.Index([f"S{i}" for i in range(60)])
    frame = pd.DataFrame(returns, columns=names)

    shrinkage = estimate_shrinkage(centred_returns(returns))
    assert covariance_of(frame, names, shrinkage).to_numpy() == pytest.approx(expected, rel=1e-10)
    assert not shrinkage.is_repaired


def test_two_names_are_shrunk_as_by_the_library():
    from sklearn.covariance import ledoit_wolf

    returns = correlated_returns(names=2)

    assert estimate_shrinkage(centred_returns(returns)).intensity == pytest.approx(
        ledoit_wolf(returns)[1], rel=1e-9
    )


def test_a_sample_that_is_its_own_target_is_not_shrunk():
    equal = 0.5 * np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]])  # equal variances, no correlation

    assert estimate_shrinkage(equal) == (0.0, 0.0, False)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_repair_lifts_the_smallest_eigenvalue_to_twice_the_floor_whatever_it_was(share):
    along = np.tile([0.01, 0.01, -0.01, -0.01], 10)
    across = np.tile([0.01, -0.01, -0.01, 0.01], 10) * np.sqrt(share * 0.5e-8)
    returns = pd.DataFrame({"A": along, "B": across})  # half of the smallest that may be, times `share`
    mean_variance = returns.var(ddof=0).mean()

    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    assert shrinkage.is_repaired
    least = np.diag(covariance_of(returns, ["A", "B"], shrinkage)).min()
    assert least / mean_variance / 1e-8 == pytest.approx(2, rel=1e-6)


def factor_returns(*, sessions: int = 252, names: int = 60, seed: int = 0) -> np.ndarray:
    """A market, two sectors and returns of their own; name i has a volatility that grows with i."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, (sessions, 1))
    sector = rng.normal(0, 0.006, (sessions, 2))[:, np.arange(names) % 2]
    return (market + sector + rng.normal(0, 0.012, (sessions, names))) * np.linspace(0.5, 2, names)


def test_factors_leave_the_variances_of_the_sample():
    returns = factor_returns()

    estimate = estimate_factors(centred_returns(returns), 5)

    assert estimate.loadings.shape == (60, 5)
    np.testing.assert_allclose(estimate.variances, returns.var(axis=0))
    np.testing.assert_allclose(np.diag(estimate.matrix()), estimate.variances)


def test_factors_are_nearer_to_the_true_correlations_than_the_sample():
    true = np.corrcoef(factor_returns(sessions=50_000), rowvar=False)
    returns = factor_returns(seed=1)

    estimate = estimate_factors(centred_returns(returns), 3)

    deviation = np.sqrt(estimate.variances)
    error = np.abs(estimate.matrix() / np.outer(deviation, deviation) - true).mean()
    assert error < 0.9 * np.abs(np.corrcoef(returns, rowvar=False) - true).mean()


def test_unrelated_names_get_nearly_no_common_factor():
    returns = np.random.default_rng(0).normal(0, 0.01, (252, 500))

    estimate = estimate_factors(centred_returns(returns), 10)

    explained = (estimate.loadings**2).sum(axis=1) / estimate.variances
    assert explained.mean() < 0.07  # without the subtraction of noise it is 0.105


def test_a_few_names_get_fewer_factors_and_stay_invertible():
    estimate = estimate_factors(centred_returns(factor_returns(names=4)), 20)

    assert estimate.loadings.shape == (4, 1)
    assert estimate_factors(centred_returns(factor_returns(names=9)), 20).loadings.shape == (9, 3)
    assert estimate_factors(centred_returns(factor_returns(sessions=20)), 20).loadings.shape == (60, 6)
    assert np.linalg.eigvalsh(estimate.matrix())[0] > 0
    assert estimate_factors(centred_returns(factor_returns(names=1)), 20).loadings.shape == (1, 0)
    assert estimate_factors(centred_returns(np.empty((252, 0))), 20).loadings.shape == (0, 0)


def test_equal_returns_give_equal_bytes_on_any_number_of_threads():
    returns = factor_returns(names=300)

    with threadpool_limits(1):
        alone = estimate_factors(centred_returns(returns), 10)
    with threadpool_limits(2):
        together = estimate_factors(centred_returns(returns), 10)

    assert alone.loadings.tobytes() == together.loadings.tobytes()
    assert alone.matrix().tobytes() == together.matrix().tobytes()


def test_the_covariance_of_some_names_by_factors_is_that_of_all():
    returns = pd.DataFrame(factor_returns(names=26), columns=list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))

    some = covariance_of(returns, ["Z", "NEW", "B"], shrinkage, factors=3)

    whole = estimate_factors(centred_returns(returns.to_numpy()), 3).matrix()
    assert list(some.index) == ["B", "Z"]
    np.testing.assert_allclose(some, whole[np.ix_([1, 25], [1, 25])])


def test_factors_are_principal_components_of_the_correlation_less_the_noise_of_the_others():
    sessions, names, factors = 90, 12, 3
    returns = factor_returns(sessions=sessions, names=names)

    estimate = estimate_factors(centred_returns(returns), factors)

    variances, components = np.linalg.eigh(np.corrcoef(returns, rowvar=False))  # ascending
    noise = variances[:-factors].sum() / (sessions * (1 - factors / names) - factors)
    largest = components[:, -factors:]
    common = largest @ np.diag(variances[-factors:] - noise) @ largest.T
    deviation = returns.std(axis=0)
    np.testing.assert_allclose(
        estimate.loadings @ estimate.loadings.T, common * np.outer(deviation, deviation), atol=1e-12
    )
