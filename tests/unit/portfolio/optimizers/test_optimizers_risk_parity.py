import numpy as np
import pytest

from tasks.core.errors import InfeasibleError
from tasks.portfolio.optimizers.heuristics import inverse_volatility
from tasks.portfolio.optimizers.risk_parity import risk_parity
from tests.problems import make_problem


@pytest.mark.parametrize(
    ("covariance", "proportions"),
    [
        ([[0.01, 0.0], [0.0, 0.04]], [7.071068, 3.535534]),
        ([[0.25, 0.05], [0.05, 0.04]], [1.154701, 2.886751]),
    ],
)
def test_oracle_o12_two_names_of_equal_budgets(covariance, proportions):
    weights = risk_parity(make_problem(names=2, covariance=np.array(covariance)))

    np.testing.assert_allclose(weights, proportions / np.sum(proportions), atol=1e-6)


@pytest.mark.parametrize("names", [3, 12, 40])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e4])
def test_every_name_contributes_the_same_risk(names, scale):
    covariance = make_problem(names=names).covariance * scale

    weights = risk_parity(make_problem(names=names, covariance=covariance))

    contributions = weights * (covariance @ weights) / (weights @ covariance @ weights)
    np.testing.assert_allclose(contributions, 1 / names, rtol=1e-5)


def test_with_equal_correlations_it_is_inverse_volatility():
    deviations = np.array([0.1, 0.2, 0.4])
    covariance = np.outer(deviations, deviations) * (0.3 + 0.7 * np.eye(3))
    problem = make_problem(names=3, covariance=covariance)

    np.testing.assert_allclose(risk_parity(problem), inverse_volatility(problem), rtol=1e-6)


def test_a_name_that_diversifies_weighs_more_than_its_volatility_alone_gives():
    covariance = 0.04 * np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])

    weights = risk_parity(make_problem(names=3, covariance=covariance))

    assert weights[2] > 1 / 3 > weights[0] == pytest.approx(weights[1])


def test_a_solver_that_runs_out_of_iterations_is_named():
    with pytest.raises(InfeasibleError, match="within 2 iterations"):
        risk_parity(make_problem(max_iterations=2))
