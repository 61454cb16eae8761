import numpy as np
import pandas as pd
import pytest

from tasks.portfolio.optimizers.hierarchical import _leaves, hrp, tilted_hrp
from tests.problems import make_problem, with_methods


@pytest.mark.parametrize("names", [2, 3, 7, 40, 150])
@pytest.mark.parametrize("seed", range(3))
def test_hrp_gives_the_weights_of_pyportfolioopt(names, seed):
    from pypfopt.hierarchical_portfolio import HRPOpt

    problem = make_problem(names=names, seed=seed)
    theirs = HRPOpt(cov_matrix=pd.DataFrame(problem.covariance)).optimize()

    weights = hrp(problem)

    np.testing.assert_allclose(weights, [theirs[name] for name in range(names)], rtol=1e-10)


def test_hrp_gives_unrelated_names_weight_by_inverse_variance():
    weights = hrp(make_problem(names=2, covariance=np.diag([0.02, 0.04])))

    np.testing.assert_allclose(weights, [2 / 3, 1 / 3])


def test_the_best_score_of_a_tilt_weighs_half_more_and_the_worst_half_less():
    covariance = np.diag([0.04, 0.04, 0.04])
    problem = make_problem(names=3, covariance=covariance, expected_returns=np.array([0.1, -0.2, 0.3]))

    weights = tilted_hrp(problem)

    np.testing.assert_allclose(weights / hrp(problem), [1.0, 0.5, 1.5])


def test_a_tilt_ranks_by_score_not_by_expected_return():
    covariance = np.diag([0.01, 0.09])  # an equal score expects three times the return of the second name
    problem = make_problem(names=2, covariance=covariance, expected_returns=np.array([0.02, 0.03]))

    weights = tilted_hrp(problem)

    np.testing.assert_allclose(weights / hrp(problem), np.array([1.5, 0.5]) / (0.9 * 1.5 + 0.1 * 0.5))


def test_equal_scores_are_not_tilted():
    problem = make_problem(expected_returns=np.zeros(12))

    np.testing.assert_allclose(tilted_hrp(problem), hrp(problem))


def test_a_tilt_of_nothing_leaves_hrp():
    problem = with_methods(make_problem(), hrp_tilt_frac=0.0)

    np.testing.assert_allclose(tilted_hrp(problem), hrp(problem))


def test_the_smallest_problem_holds_its_only_name():
    assert tilted_hrp(make_problem(names=1)).tolist() == [1.0]


@pytest.mark.parametrize("seed", range(5))
def test_the_leaves_are_those_of_scipy(seed):
    from scipy.cluster.hierarchy import leaves_list, linkage

    tree = linkage(np.random.default_rng(seed).normal(size=(30, 4)).round(1), "single")

    assert _leaves(tree).tolist() == leaves_list(tree).tolist()
