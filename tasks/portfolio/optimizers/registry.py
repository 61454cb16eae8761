"""List the optimizers: one function per method, one line each in OPTIMIZERS; run them and check what they return.

Every method takes the same problem and returns one non-negative weight per name, with a sum of at most 1. Methods
that support constraints satisfy the limits; the excess of the others is cut by tasks/portfolio/caps.py and stays in
cash. A method without a solution raises InfeasibleError, and the ladder tries the next one.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tasks.portfolio.limits import Weights
from tasks.portfolio.optimizers.black_litterman import black_litterman
from tasks.portfolio.optimizers.heuristics import equal_weight, inverse_volatility, score_weighted
from tasks.portfolio.optimizers.hierarchical import hrp, tilted_hrp
from tasks.portfolio.optimizers.mean_variance import max_sharpe, min_volatility
from tasks.portfolio.optimizers.problem import Problem, infeasible, is_finite
from tasks.portfolio.optimizers.risk_parity import risk_parity

NOISE = 0.05  # a weight below this fraction of an equal weight, and of the largest, is solver noise

OPTIMIZERS: Mapping[str, Callable[[Problem], Weights]] = {
    "max_sharpe": max_sharpe,
    "min_volatility": min_volatility,
    "black_litterman": black_litterman,
    "risk_parity": risk_parity,
    "hrp": hrp,
    "tilted_hrp": tilted_hrp,
    "inverse_volatility": inverse_volatility,
    "equal_weight": equal_weight,
    "score_weighted": score_weighted,
}
NEED_A_RANKING = frozenset({"max_sharpe", "black_litterman", "score_weighted"})


def optimize(method: str, problem: Problem) -> Weights:
    """Run one method; reject weights that are not finite, negative, all zero, or sum to more than 1."""
    if method not in OPTIMIZERS:
        raise infeasible(f"there is no such optimizer (only {', '.join(OPTIMIZERS)})")
    if not is_finite(problem):
        raise infeasible("expected returns or covariances are not finite")
    try:
        with np.errstate(all="ignore"):  # what overflows is rejected below
            weights = OPTIMIZERS[method](problem)
    except np.linalg.LinAlgError as error:
        raise infeasible(f"the covariance cannot be inverted ({error})") from error
    if weights.shape != problem.expected_returns.shape or not np.isfinite(weights).all():
        raise infeasible("the weights are not finite numbers")
    if weights.min() < -1e-6 or weights.sum() > 1 + 1e-6:
        raise infeasible("the weights are negative or sum to more than 1")
    if weights.max() < 1e-6:
        raise infeasible("all weights are zero")
    return np.where(weights < NOISE * min(1 / len(weights), weights.max()), 0.0, weights)
