import numpy as np
import pytest

from tasks.core.errors import InfeasibleError
from tasks.portfolio.optimizers.heuristics import equal_weight, inverse_volatility, score_weighted
from tests.problems import make_problem


def test_inverse_volatility_gives_a_name_of_twice_the_deviation_half_the_weight():
    covariance = np.diag([0.01, 0.04, 0.16])

    weights = inverse_volatility(make_problem(names=3, covariance=covariance))

    np.testing.assert_allclose(weights, np.array([4, 2, 1]) / 7)


def test_equal_weight_gives_each_name_the_same():
    assert equal_weight(make_problem(names=4)).tolist() == [0.25] * 4


def test_score_weighted_gives_twice_the_score_twice_the_weight_whatever_the_volatility():
    covariance = np.diag([0.04, 0.16, 0.04])
    expected = np.array([0.1 * 0.2, 0.2 * 0.4, -0.1 * 0.2])  # scores of 0.1, 0.2 and -0.1

    weights = score_weighted(make_problem(names=3, covariance=covariance, expected_returns=expected))

    np.testing.assert_allclose(weights, [1 / 3, 2 / 3, 0])


@pytest.mark.parametrize("method", [inverse_volatility, score_weighted])
def test_a_name_without_volatility_is_refused(method):
    with pytest.raises(InfeasibleError, match="zero volatility"):
        method(make_problem(names=2, covariance=np.diag([0.04, 0.0])))
