"""The market as a whole in version 2: the regimes of version 1, with volatility that clusters and rises in declines.

No row depends on a later one. Shocks are symmetric around zero at any volatility, so that exposure to the market
earns or loses nothing beyond the drift that all names share.
"""

from math import sqrt

import numpy as np

from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.regimes import (
    REGIMES,
    MarketPath,
    Series,
    simulate_index,
    simulate_regimes,
    simulate_volatility,
    simulate_yield,
)

VOLATILITY = (0.11, 0.18, 0.31, 0.72)
CALM_VOLATILITY = VOLATILITY[0] / sqrt(SESSIONS_PER_YEAR)
SHOCK_FREEDOM = 6  # of Student's t
LARGEST_SHOCK, LARGEST_MOVE = (
    4.5,
    0.12,
)  # in standard deviations, and as a log return: more never happened since 1987
OVERNIGHT_SHARE = 0.30  # of the variance
SLOW_KEEP, SLOW_NOISE = 0.993, 0.060
FAST_KEEP, FAST_REACTION, FAST_LEVERAGE = (
    0.90,
    0.07,
    0.05,
)  # and days: reaction to large moves, more so to falls
BOUND = 1.0
INDEX_REACTION = 0.2  # of the log volatility index to the clustering


def simulate_second_path(parameters: Parameters, count: int) -> MarketPath:
    """Simulate `count` sessions."""
    regime = simulate_regimes(parameters.generator("regime").random((count, 2)))
    drift = np.array([regime_parameters.drift for regime_parameters in REGIMES])[regime] / SESSIONS_PER_YEAR
    scale = sqrt((SHOCK_FREEDOM - 2) / SHOCK_FREEDOM)
    draws = parameters.generator("market").standard_t(SHOCK_FREEDOM, count) * scale
    shocks = np.clip(draws, -LARGEST_SHOCK, LARGEST_SHOCK)
    clustering = _simulate_clustering(parameters.generator("mood").standard_normal(count), shocks)
    volatility = simulate_volatility(regime, clustering, VOLATILITY)
    shock = np.clip(volatility * shocks, -LARGEST_MOVE, LARGEST_MOVE)
    night = parameters.generator("night").standard_normal(count)
    noise = parameters.generator("volatility index").standard_normal(count)
    return MarketPath(
        regime=regime,
        drift=drift,
        volatility=volatility,
        shock=shock,
        volatility_index=simulate_index(regime, INDEX_REACTION * clustering, drift + shock, noise),
        bill_yield_pct=simulate_yield(parameters.generator("yield").standard_normal(count)),
        overnight=overnight_part(drift + shock, volatility, night, share=OVERNIGHT_SHARE),
    )


def overnight_part(total: Series, volatility: Series, noise: Series, *, share: float) -> Series:
    """Return the part of each move until the open: `share` of its variance, uncorrelated with the rest."""
    part: Series = share * total + sqrt(share * (1 - share)) * volatility * noise
    return part


def _simulate_clustering(noise: Series, shocks: Series) -> Series:
    """Return log deviations of volatility from the regime's level."""
    slow = fast = 0.0
    path = np.empty(len(noise))
    for row in range(len(noise)):
        path[row] = min(max(slow + fast, -BOUND), BOUND)
        slow = SLOW_KEEP * slow + SLOW_NOISE * noise[row]
        fast = FAST_KEEP * fast + FAST_REACTION * (abs(shocks[row]) - 0.73) - FAST_LEVERAGE * shocks[row]
    return path
