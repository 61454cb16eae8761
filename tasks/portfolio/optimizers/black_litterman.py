"""Combine an equilibrium with the scores as views (Black and Litterman, 1992), then maximize the Sharpe ratio.

The equilibrium portfolio holds all names equally; equilibrium returns are risk aversion × covariance with it. Each
expected return from the scores is a view on its name, with confidence `portfolio.methods.view_confidence`: at 0.5 the
view's error has the same variance as the equilibrium's (He and Litterman, 1999), at 1 it is zero.
"""

from dataclasses import replace

import numpy as np

from tasks.core.threads import one_thread
from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.mean_variance import max_sharpe
from tasks.portfolio.optimizers.problem import (
    Covariance,
    Matrix,
    Problem,
    Vector,
    covariance_with_equal_weights,
    deviations,
)
from tasks.risk.covariance import FactorCovariance


def black_litterman(problem: Problem) -> Weights:
    """Maximize the Sharpe ratio of the posterior returns; with no confidence in the views, hold all names equally."""
    methods, variances = problem.methods, deviations(problem) ** 2
    error = variances * (1 - methods.view_confidence) / methods.view_confidence
    prior = methods.risk_aversion * covariance_with_equal_weights(problem.covariance)
    with one_thread():
        expected, covariance = _with_views(
            problem.covariance, prior, problem.expected_returns, error, tau=methods.view_tau
        )
    return max_sharpe(replace(problem, expected_returns=expected, covariance=covariance))


def posterior(
    covariance: Matrix, prior: Vector, picks: Matrix, views: Vector, uncertainty: Matrix, *, tau: float
) -> tuple[Vector, Matrix]:
    """Return the posterior expected returns, and the covariance including the uncertainty of the mean.

    `picks` (views × names) @ returns = `views`, with errors of covariance `uncertainty`; the error of `prior` has the
    covariance `tau` × `covariance`.
    """
    from pypfopt.black_litterman import BlackLittermanModel

    model = BlackLittermanModel(covariance, pi=prior, P=picks, Q=views, omega=uncertainty, tau=tau)
    after = model.bl_cov().to_numpy()
    return model.bl_returns().to_numpy(), (after + after.T) / 2


def _with_views(
    covariance: Covariance, prior: Vector, views: Vector, error: Vector, *, tau: float
) -> tuple[Vector, Covariance]:
    """Return `posterior` for one view per name with error variances tau × `error`; in factor form if the input is."""
    if not isinstance(covariance, FactorCovariance):
        return posterior(covariance, prior, np.eye(len(views)), views, tau * np.diag(error), tau=tau)
    loadings, specific = covariance.loadings, covariance.specific
    total = specific + error  # (covariance + error)⁻¹ by the formula of Woodbury
    scaled = loadings / total[:, None]
    core = np.linalg.cholesky(np.linalg.inv(np.eye(loadings.shape[1]) + loadings.T @ scaled))

    def solved(right: Vector) -> Vector:
        found: Vector = right / total - (scaled @ core) @ ((scaled @ core).T @ right)
        return found

    surprise = solved(views - prior)
    expected = prior + loadings @ (loadings.T @ surprise) + specific * surprise
    after = FactorCovariance(
        np.hstack([loadings, np.sqrt(tau) * error[:, None] * (scaled @ core)]),
        specific + tau * specific * error / total,
    )
    return expected, after
