"""Whether a portfolio is better than another one, at equal volatility: Hansen's test of superior predictive ability.

With one candidate, which was selected on other sessions, the test of `arch` is a studentized bootstrap test of the
difference of two means. Sessions are drawn in blocks, so that volatility clusters survive.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from tasks.backtest.metrics.bootstrap import block_sessions

Vector = NDArray[np.float64]

RESAMPLES = 1000
LEAST_SESSIONS = 60
LEAST_DEVIATION = 1e-12


def superiority(excess: Vector, benchmark: Vector, *, seed: int) -> float:
    """Return the p-value of SPA for excess returns over the risk-free rate and those of the benchmark.

    `excess` is scaled to the volatility of the benchmark: what is tested is a higher Sharpe ratio. NaN for too few
    sessions, or if one of the two or their difference does not vary.
    """
    known = np.isfinite(excess) & np.isfinite(benchmark)
    own, other = excess[known], benchmark[known]
    if len(own) < LEAST_SESSIONS or min(own.std(), other.std()) < LEAST_DEVIATION:
        return float("nan")
    scaled = own * (other.std() / own.std())
    if (scaled - other).std() < LEAST_DEVIATION:
        return float("nan")
    from arch.bootstrap import SPA  # slow to import

    block = ceil(max(block_sessions(scaled - other), 1.0))
    test = SPA(-other, -scaled[:, None], block_size=block, reps=RESAMPLES, bootstrap="stationary", seed=seed)
    test.compute()
    return float(test.pvalues["consistent"])
