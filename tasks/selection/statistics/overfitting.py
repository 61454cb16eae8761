"""Probability of backtest overfitting (PBO) by combinatorially symmetric cross-validation (CSCV).

Bailey, Borwein, López de Prado and Zhu (2017): how often the candidate that is best in one half of the blocks is at or
below the median in the other half.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

BLOCKS = 16


def cscv_logits(returns: Matrix, *, blocks: int = BLOCKS) -> Vector:
    """Return the logit of the relative out-of-sample rank of the in-sample best, for each division into two halves.

    `returns`: sessions × candidates, finite. The relative rank is rank / (N + 1); equal Sharpe ratios share their mean
    rank, and the first of equals is the best. The oldest sessions are dropped so that the number
    is a multiple of `blocks`.
    """
    length = len(returns) // blocks
    parts = returns[len(returns) - length * blocks :].reshape(blocks, length, -1)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    picks = np.array(list(combinations(range(blocks), blocks // 2)))
    halves = np.zeros((len(picks), blocks), dtype=bool)
    np.put_along_axis(halves, picks, values=True, axis=1)
    count = length * (blocks // 2)
    inside, outside = (_sharpes(part @ sums, part @ squares, count) for part in (halves * 1.0, ~halves * 1.0))
    best = inside.argmax(axis=1)
    ranks = rankdata(outside, axis=1)[np.arange(len(best)), best] / (returns.shape[1] + 1)
    return np.asarray(np.log(ranks / (1 - ranks)))


def probability_of_overfitting(returns: Matrix, *, blocks: int = BLOCKS) -> float:
    """Return the share of logits at or below 0 (λ ≤ 0); NaN for fewer than two candidates or two sessions a block."""
    if returns.shape[1] < 2 or len(returns) < 2 * blocks:
        return float("nan")
    return float((cscv_logits(returns, blocks=blocks) <= 1e-12).mean())


def _sharpes(sums: Matrix, squares: Matrix, count: int) -> Matrix:
    """Return mean over standard deviation (ddof 1); 0 for constant returns."""
    variance = np.maximum(squares - sums**2 / count, 0) / (count - 1)
    flat = variance <= np.maximum(1e-24, 1e-12 * squares / count)  # what rounding leaves of a constant
    return np.where(flat, 0.0, sums / count / np.sqrt(np.where(flat, 1.0, variance)))
