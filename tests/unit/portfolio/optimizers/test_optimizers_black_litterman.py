from dataclasses import replace

import numpy as np
import pytest

from tasks.portfolio.optimizers.black_litterman import _with_views, black_litterman, posterior
from tasks.portfolio.optimizers.mean_variance import max_sharpe
from tests.problems import make_factors, make_problem, with_methods

# He and Litterman, "The intuition behind Black-Litterman model portfolios" (1999): tables 1, 2, 4 and 5
COUNTRIES = ("AUS", "CAN", "FRA", "GER", "JAP", "UK", "USA")
CORRELATION = np.array(
    [
        [1.000, 0.488, 0.478, 0.515, 0.439, 0.512, 0.491],
        [0.488, 1.000, 0.664, 0.655, 0.310, 0.608, 0.779],
        [0.478, 0.664, 1.000, 0.861, 0.355, 0.783, 0.668],
        [0.515, 0.655, 0.861, 1.000, 0.354, 0.777, 0.653],
        [0.439, 0.310, 0.355, 0.354, 1.000, 0.405, 0.306],
        [0.512, 0.608, 0.783, 0.777, 0.405, 1.000, 0.652],
        [0.491, 0.779, 0.668, 0.653, 0.306, 0.652, 1.000],
    ]
)
VOLATILITY = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
MARKET = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
RISK_AVERSION, TAU = 2.5, 0.05
GERMANY, CANADA = [0, 0, -0.295, 1, 0, -0.705, 0], [0, 1, 0, 0, 0, 0, -1]


@pytest.mark.parametrize(
    ("picks", "views", "answer"),
    [
        (
            [GERMANY],
            [0.05],
            [0.0152381, 0.02095238, -0.03948465, 0.35410454, 0.11047619, -0.09461989, 0.58571429],
        ),
        (
            [GERMANY, CANADA],
            [0.05, 0.03],
            [0.0152381, 0.41863571, -0.03409321, 0.33582847, 0.11047619, -0.08173526, 0.18803095],
        ),
    ],
)
def test_oracle_o11_he_and_litterman(picks, views, answer):
    covariance = CORRELATION * np.outer(VOLATILITY, VOLATILITY)
    chosen = np.array(picks, dtype=float)
    uncertainty = np.diag(np.diag(TAU * chosen @ covariance @ chosen.T))

    expected, after = posterior(
        covariance, RISK_AVERSION * covariance @ MARKET, chosen, np.array(views), uncertainty, tau=TAU
    )

    np.testing.assert_allclose(np.linalg.solve(RISK_AVERSION * after, expected), answer, atol=1e-8)


def test_views_that_are_the_equilibrium_leave_all_names_equal():
    problem = make_problem(position=1.0)
    equilibrium = problem.methods.risk_aversion * problem.covariance.mean(axis=1)
    fewer = with_methods(make_problem(position=1.0, expected_returns=equilibrium), view_tau=1e-6)

    np.testing.assert_allclose(black_litterman(fewer), np.full(12, 1 / 12), atol=1e-4)


def test_a_good_view_adds_weight_and_a_bad_one_takes_it():
    equilibrium = make_problem().methods.risk_aversion * make_problem().covariance.mean(axis=1)
    views = equilibrium + np.where(np.arange(12) == 3, 0.05, np.where(np.arange(12) == 4, -0.05, 0.0))

    weights = black_litterman(make_problem(position=1.0, expected_returns=views))

    assert weights.argmax() == 3
    assert weights.argmin() == 4


@pytest.mark.parametrize(("confidence", "times"), [(0.5, 1), (0.2, 4)])
def test_the_error_of_a_view_is_a_multiple_of_the_equilibriums_by_its_confidence(confidence, times):
    problem = with_methods(make_problem(position=1.0), view_confidence=confidence)
    methods, covariance = problem.methods, problem.covariance

    expected, after = posterior(
        covariance,
        methods.risk_aversion * covariance.mean(axis=1),
        np.eye(12),
        problem.expected_returns,
        times * methods.view_tau * np.diag(np.diag(covariance)),
        tau=methods.view_tau,
    )

    with_views = replace(problem, expected_returns=expected, covariance=after)
    np.testing.assert_allclose(black_litterman(problem), max_sharpe(with_views), atol=1e-8)


def test_certain_views_are_max_sharpe_of_the_scores():
    problem = with_methods(make_problem(position=1.0), view_confidence=1.0)

    np.testing.assert_allclose(black_litterman(problem), max_sharpe(problem), atol=1e-6)


@pytest.mark.parametrize("confidence", [0.2, 0.5, 1.0])
def test_the_factor_form_gives_the_posterior_of_the_matrix(confidence):
    form = make_factors(names=20)
    rng = np.random.default_rng(3)
    prior, views = rng.normal(0.05, 0.02, 20), rng.normal(0.05, 0.1, 20)
    error = form.variances * (1 - confidence) / confidence

    theirs = _with_views(form.matrix(), prior, views, error, tau=0.02)
    ours = _with_views(form, prior, views, error, tau=0.02)

    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9)
    np.testing.assert_allclose(ours[1].matrix(), theirs[1], rtol=1e-9)
