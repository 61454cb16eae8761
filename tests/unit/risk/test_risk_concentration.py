import numpy as np
import pandas as pd
import pytest

from tasks.risk.concentration import betas, clusters, effective_names, risk_shares


def one_factor(sessions: int = 250, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A and B follow the first factor, C the second; D is alone."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (sessions, 2))
    own = rng.normal(0, 0.002, (sessions, 4))
    moves = np.column_stack([factors[:, 0], 2 * factors[:, 0], factors[:, 1], np.zeros(sessions)]) + own
    return pd.DataFrame(moves, columns=list("ABCD")), factors[:, 0]


def test_betas_are_slopes_of_a_regression_on_the_market():
    returns, market = one_factor()

    found = betas(returns, market)

    for name in "ABCD":
        slope = np.polyfit(market, returns[name], 1)[0]
        assert found[name] == pytest.approx(slope, rel=1e-9)


def test_a_beta_uses_common_sessions_only_and_needs_sixty():
    returns, market = one_factor()
    market[:50] = np.nan
    returns.loc[100:, "A"] = np.nan
    returns.loc[:190, "B"] = np.nan

    found = betas(returns, market)

    assert found["A"] == 1.0  # 50 common sessions
    assert found["B"] == 1.0  # 59
    assert found["C"] == pytest.approx(np.polyfit(market[50:], returns["C"][50:], 1)[0])
    returns.loc[190, "B"] = 0.01
    assert betas(returns, market)["B"] != 1.0


def test_without_a_market_every_beta_is_one():
    returns, market = one_factor()

    assert set(betas(returns, np.full_like(market, np.nan))) == {1.0}
    assert set(betas(returns, np.zeros_like(market))) == {1.0}


def test_equal_positions_count_in_full_and_a_dominant_one_hardly_more_than_itself():
    assert effective_names(pd.Series([0.1] * 8)) == pytest.approx(8)
    assert effective_names(pd.Series([0.9, 0.05, 0.05])) == pytest.approx(1.227, abs=0.001)
    assert effective_names(pd.Series([], dtype=float)) == effective_names(pd.Series([0.0])) == 0


def test_shares_of_risk_sum_to_one_and_are_weight_times_covariance():
    returns, _ = one_factor()
    weights = pd.Series({"A": 0.5, "B": 0.2, "C": 0.1})

    shares = risk_shares(weights, returns)

    covariance = returns[list("ABC")].cov(ddof=0).to_numpy()
    w = weights.to_numpy()
    assert shares.to_numpy() == pytest.approx(w * (covariance @ w) / (w @ covariance @ w))
    assert shares.sum() == pytest.approx(1)


def test_a_hedge_takes_risk_away():
    returns, _ = one_factor()

    assert risk_shares(pd.Series({"A": 0.5, "B": -0.1}), returns)["B"] < 0


def test_a_name_without_returns_moves_with_the_average_name():
    returns = pd.DataFrame({"A": [0.02, -0.02], "B": [0.04, 0.0]})

    shares = risk_shares(pd.Series({"A": 0.5, "NEW": 0.5}), returns)

    assert shares.tolist() == pytest.approx(
        [0.5, 0.5]
    )  # (0.02, −0.02) and (0.03, −0.01): the same deviations


def test_a_name_keeps_its_own_returns_where_another_has_none():
    returns = pd.DataFrame({"A": [0.02, -0.02], "B": [0.06, 0.0]})

    shares = risk_shares(pd.Series({"A": 0.5, "NEW": 0.5}), returns)

    assert shares.to_dict() == pytest.approx({"A": 4 / 9, "NEW": 5 / 9})  # deviations of 0.02 and 0.025


def test_without_movement_no_share_is_known():
    shares = risk_shares(pd.Series({"A": 0.5, "B": 0.5}), pd.DataFrame({"A": [0.01] * 30, "B": [0.0] * 30}))

    assert list(shares.index) == ["A", "B"]
    assert np.isnan([float(share) for share in shares]).all()


def test_names_that_move_together_are_one_cluster_and_its_weight_is_theirs():
    returns, _ = one_factor()
    weights = pd.Series({"A": 0.1, "B": 0.3, "C": 0.2, "D": 0.15, "NEW": 0.05})

    found = clusters(weights, returns, min_correlation=0.6)

    assert [cluster.names for cluster in found] == [("B", "A"), ("C",), ("D",), ("NEW",)]
    assert [cluster.weight for cluster in found] == pytest.approx([0.4, 0.2, 0.15, 0.05])


def test_two_names_can_be_a_cluster_and_a_name_without_returns_is_in_none():
    returns, _ = one_factor()

    found = clusters(pd.Series({"NEW": 0.1, "A": 0.1, "B": 0.3}), returns, min_correlation=0.6)

    assert [cluster.names for cluster in found] == [("B", "A"), ("NEW",)]


@pytest.mark.parametrize(("least", "joined"), [(0.71, 3), (0.69, 2), (0.61, 2), (0.59, 1)])
def test_a_name_joins_a_cluster_by_its_mean_correlation_and_not_by_its_highest(least, joined):
    """B is correlated with A and C by 0.7, and these two with each other by 0.49."""
    moves = np.column_stack([np.ones(100), np.random.default_rng(0).normal(size=(100, 3))])
    one, other, third = np.linalg.qr(moves)[0].T[1:]  # uncorrelated
    rest = (1 - 0.7**2) ** 0.5
    returns = pd.DataFrame({"A": 0.7 * one + rest * other, "B": one, "C": 0.7 * one + rest * third})

    assert len(clusters(pd.Series({"A": 0.2, "B": 0.2, "C": 0.2}), returns, min_correlation=least)) == joined


@pytest.mark.parametrize(("least", "count"), [(0.0, 1), (1.0, 4)])
def test_the_least_correlation_decides_how_many_clusters_there_are(least, count):
    rng = np.random.default_rng(2)
    returns = pd.DataFrame(rng.normal(size=(250, 1)) + rng.normal(size=(250, 4)), columns=list("ABCD"))

    assert len(clusters(pd.Series(0.25, index=list("ABCD")), returns, min_correlation=least)) == count


def test_one_name_and_none_need_no_tree():
    returns, _ = one_factor()

    assert clusters(pd.Series({"A": 0.4}), returns, min_correlation=0.6) == ((("A",), 0.4),)
    assert clusters(pd.Series({"NEW": 0.4}), returns, min_correlation=0.6) == ((("NEW",), 0.4),)


def test_a_name_that_has_just_been_listed_is_correlated_with_nobody():
    returns, _ = one_factor()
    returns.loc[:200, "B"] = np.nan

    found = clusters(pd.Series({"A": 0.2, "B": 0.3}), returns, min_correlation=0.6)

    assert [cluster.names for cluster in found] == [("B",), ("A",)]
