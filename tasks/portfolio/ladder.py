"""Try the methods of the fallback ladder in order until one succeeds; record why each earlier one failed.

The order is fixed: the champion's optimizer, HRP, inverse volatility, equal weight, hold. A failed method raises no
error and is not retried.
"""

from typing import NamedTuple

import numpy as np

from tasks.core.errors import InfeasibleError
from tasks.core.text import percent
from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.optimizers.registry import NEED_A_RANKING, optimize
from tasks.portfolio.schema import LadderStep

FALLBACKS = ("hrp", "inverse_volatility", "equal_weight")
HOLD = "hold"


class Solution(NamedTuple):
    """Weights of the candidates; None if no method succeeded, and the holdings are unchanged."""

    weights: Weights | None
    method: str
    steps: tuple[LadderStep, ...]


def solve(problem: Problem, *, optimizer: str, ranks: bool) -> Solution:
    """Return the weights of the first method that succeeds. `ranks` False: the champion does not rank names."""
    steps: list[LadderStep] = []
    if not ranks and optimizer in NEED_A_RANKING:
        steps.append(
            LadderStep(
                optimizer, "skipped: the champion does not rank names, so there is nothing to maximize"
            )
        )
        optimizer = "equal_weight"
    if problem.expected_returns.size == 0:
        return Solution(None, HOLD, (*steps, LadderStep(HOLD, "used: there are no candidates")))
    for method in rungs(optimizer):
        try:
            weights = optimize(method, problem)
        except InfeasibleError as error:
            steps.append(LadderStep(method, f"failed: {error.what.rstrip('.')}"))
        else:
            return Solution(weights, method, (*steps, LadderStep(method, _held(weights))))
    return Solution(None, HOLD, (*steps, LadderStep(HOLD, "used: no method returned a portfolio")))


def rungs(first: str) -> tuple[str, ...]:
    """Return the methods to try in order; if the first is itself a fallback, those from there on."""
    if first in FALLBACKS:
        return FALLBACKS[FALLBACKS.index(first) :]
    return (first, *FALLBACKS)


def _held(weights: Weights) -> str:
    return f"used: {np.count_nonzero(weights > 1e-4)} names, {percent(weights.sum())} before limits"
