"""Reduce the optimizer's weights: correlated names first, then all weights to a fraction of Kelly and to a volatility.

Every overlay is off at 0, only lowers weights, and leaves the rest in cash. Applies no limit.
"""

from typing import NamedTuple

import numpy as np

from config.sections import Overlays
from tasks.portfolio.arrays import Matrix, Vector
from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import Problem, dense

CORRELATION, KELLY, VOLATILITY = "correlation_reduction", "kelly_frac", "volatility_target"


class Effect(NamedTuple):
    """The effect of one overlay: the invested fraction before and after it."""

    overlay: str
    before: float
    after: float


def size(
    weights: Weights, problem: Problem, *, ranks: bool, overlays: Overlays
) -> tuple[Weights, tuple[Effect, ...]]:
    """Return the weights after the overlays, and the effect of each overlay that is on.

    `ranks` False: the champion expects no returns by design, so the Kelly overlay does not apply.
    """
    effects: list[Effect] = []

    def reduced(overlay: str, weights: Weights, factor: Vector | float) -> Weights:
        smaller: Weights = weights * factor
        effects.append(Effect(overlay, float(weights.sum()), float(smaller.sum())))
        return smaller

    covariance = dense(problem.covariance)
    if strength := overlays.correlation_reduction:
        weights = reduced(CORRELATION, weights, _uncorrelated(weights, covariance, strength))
    if ranks and (fraction := overlays.kelly_frac):
        weights = reduced(KELLY, weights, _kelly(weights, problem.expected_returns, covariance, fraction))
    if target := overlays.volatility_target:
        weights = reduced(VOLATILITY, weights, _calm(weights, covariance, target))
    return weights, tuple(effects)


def _uncorrelated(weights: Weights, covariance: Matrix, strength: float) -> Vector:
    """Return 1 - strength × the mean correlation with the other positions, weighted by them; negative ones count 0."""
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    others = weights.sum() - weights
    mean = (correlation @ weights - weights) / np.where(others > 0, others, 1.0)
    kept: Vector = 1.0 - strength * np.clip(mean, 0.0, 1.0)
    return kept


def _kelly(weights: Weights, expected: Vector, covariance: Matrix, fraction: float) -> float:
    """Return the factor that scales to this fraction of the Kelly size, at most 1; 0 if no gain is expected."""
    variance = float(weights @ covariance @ weights)
    gain = max(float(weights @ expected), 0.0)
    return min(1.0, fraction * gain / variance) if variance > 0 else 1.0


def _calm(weights: Weights, covariance: Matrix, volatility: float) -> float:
    """Return the factor that lowers the annual volatility to the target; 1 if it is already lower."""
    own = float(np.sqrt(weights @ covariance @ weights))
    return min(1.0, volatility / own) if own > 0 else 1.0
