"""Test forecasts of value at risk on history: how often they were exceeded, and whether exceedances cluster.

Kupiec's test of the frequency and Christoffersen's tests of independence and of conditional coverage, all by
likelihood ratio.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, xlogy

from tasks.risk.ratios import Numbers

WINDOW = 126  # returns that a forecast is made from


class VarTest(NamedTuple):
    """The outcome. P-values are NaN without sessions; a small one rejects the forecasts."""

    sessions: int
    exceedances: int
    expected: float
    kupiec_p: float
    independence_p: float
    conditional_p: float


def check_forecasts(returns: Numbers, confidence: float) -> VarTest:
    """Test the historical VaR of one session: each forecast comes from the WINDOW returns before its session.

    `returns` of today's portfolio on past sessions: the composition is known in hindsight, the forecasts are not.
    """
    return coverage(exceedances(returns, confidence), confidence)


def exceedances(returns: Numbers, confidence: float, *, window: int = WINDOW) -> NDArray[np.bool_]:
    """Return for each session after the first `window` whether its loss was larger than the forecast."""
    if returns.size <= window:
        return np.empty(0, dtype=bool)
    past = np.lib.stride_tricks.sliding_window_view(returns[:-1], window)
    quantiles = np.quantile(past, 1 - confidence, axis=1, method="lower")
    exceeded: NDArray[np.bool_] = returns[window:] < np.minimum(quantiles, 0.0)
    return exceeded


def coverage(exceeded: NDArray[np.bool_], confidence: float) -> VarTest:
    """Test a series of exceedances of VaR at a confidence level."""
    sessions, count = len(exceeded), int(exceeded.sum())
    if not sessions:
        return VarTest(0, 0, 0.0, *(float("nan"),) * 3)
    frequency = _frequency_ratio(sessions, count, 1 - confidence)
    independence = _independence_ratio(exceeded)
    return VarTest(
        sessions=sessions,
        exceedances=count,
        expected=sessions * (1 - confidence),
        kupiec_p=_p_value(frequency, 1),
        independence_p=_p_value(independence, 1),
        conditional_p=_p_value(frequency + independence, 2),
    )


def _p_value(ratio: float, degrees: int) -> float:
    """Return the probability that chi-squared exceeds a likelihood ratio, which rounding can make negative."""
    return float(chdtrc(degrees, max(ratio, 0.0)))


def _frequency_ratio(sessions: int, count: int, probability: float) -> float:
    """Return Kupiec's likelihood ratio of the observed frequency against the stated one."""
    stated = _log_likelihood(sessions - count, count, probability)
    return 2 * (_log_likelihood(sessions - count, count, count / sessions) - stated)


def _independence_ratio(exceeded: NDArray[np.bool_]) -> float:
    """Return Christoffersen's likelihood ratio of a chain with memory of one session against none."""
    before, after = exceeded[:-1], exceeded[1:]
    after_calm, calm = int((~before & after).sum()), int((~before).sum())
    after_hit, hits = int((before & after).sum()), int(before.sum())
    if not calm or not hits:
        return 0.0
    with_memory = _log_likelihood(calm - after_calm, after_calm, after_calm / calm) + _log_likelihood(
        hits - after_hit, after_hit, after_hit / hits
    )
    moved = after_calm + after_hit
    without = _log_likelihood(calm + hits - moved, moved, moved / (calm + hits))
    return max(0.0, 2 * (with_memory - without))


def _log_likelihood(misses: int, hits: int, probability: float) -> float:
    return float(xlogy(misses, 1 - probability) + xlogy(hits, probability))
