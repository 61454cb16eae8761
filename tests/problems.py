"""Optimization problems for tests: a few factors, risk of their own, a sector limit where asked for."""

from dataclasses import replace
from typing import Any

import numpy as np

from tasks.portfolio.limits import Group, Limits, Pair
from tasks.portfolio.optimizers.problem import Problem
from tasks.risk.covariance import FactorCovariance
from tests.builders import make_settings

METHODS = make_settings().portfolio.methods


def make_problem(
    *,
    names: int = 12,
    seed: int = 0,
    position: float = 0.15,
    groups: tuple[Group, ...] = (),
    pairs: tuple[Pair, ...] = (),
    max_iterations: int = 200,
    **replaced: Any,
) -> Problem:
    """Return a problem with a dense covariance; the first name is expected to earn 8%."""
    form = make_factors(names=names, seed=seed)
    expected = np.random.default_rng(seed + 1).normal(0.05, 0.05, names)
    expected[0] = 0.08
    fields = {"expected_returns": expected, "covariance": form.matrix(), "methods": METHODS, **replaced}
    return Problem(
        limits=Limits(position, 1.0, tuple(groups), tuple(pairs)),
        solver_max_iterations=max_iterations,
        **fields,
    )


def make_factors(*, names: int, seed: int = 0, factors: int = 3) -> FactorCovariance:
    """Return an annual covariance in factor form: a market and smaller factors, volatilities of 20% to 50%."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(0, 0.1, (names, factors))
    return FactorCovariance(loadings, rng.uniform(0.02, 0.12, names))


def with_methods(problem: Problem, **methods: float) -> Problem:
    """Return the problem with other parameters of single methods."""
    return replace(problem, methods=problem.methods.model_copy(update=methods))


def sharpe(weights: np.ndarray, problem: Problem) -> float:
    """Return expected return over volatility."""
    return float(weights @ problem.expected_returns / np.sqrt(weights @ problem.covariance @ weights))
