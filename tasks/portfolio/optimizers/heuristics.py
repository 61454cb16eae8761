"""Weight names by their volatility or score alone, without correlations."""

import numpy as np

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import Problem, deviations, infeasible, signals


def score_weighted(problem: Problem) -> Weights:
    """Weight each name by its expected return per unit of volatility; names with a negative one get nothing."""
    hopeful = np.maximum(signals(problem), 0.0)
    if not hopeful.sum() > 0:
        raise infeasible("no name is expected to beat cash")
    weights: Weights = hopeful / hopeful.sum()
    return weights


def inverse_volatility(problem: Problem) -> Weights:
    """Weight each name by the inverse of its volatility."""
    inverse = deviations(problem) ** -1.0
    weights: Weights = inverse / inverse.sum()
    return weights


def equal_weight(problem: Problem) -> Weights:
    """Weight all names equally."""
    names = len(problem.expected_returns)
    return np.full(names, 1 / names)
