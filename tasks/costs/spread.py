"""Estimate the half-spread of each name from its bars: volatility, dollar volume and price.

The level is calibrated on measured costs, not on an estimator from highs and lows: on liquid names such estimators show
noise of 40 to 50 basis points (docs/costs.md).
"""

import numpy as np
from numpy.typing import NDArray

from config.costs_section import Spread

Numbers = NDArray[np.float64]

BASIS_POINT = 1e-4
BENCHMARK_VOLATILITY = 0.02  # daily; the name that `benchmark_half_bps` refers to
BENCHMARK_VOLUME_USD = 40e6  # a day


def half_spread(price: Numbers, daily_volatility: Numbers, volume_usd: Numbers, *, spread: Spread) -> Numbers:
    """Return the average half-spread of the session as a fraction of the price, at least half a tick.

    All arrays have one entry per name: `price` in USD, `daily_volatility` a fraction, `volume_usd` the dollars traded
    a day. All values are known and positive; only the volatility may be 0.
    """
    by_volatility = (daily_volatility / BENCHMARK_VOLATILITY) ** spread.volatility_exponent
    by_volume = (volume_usd / BENCHMARK_VOLUME_USD) ** -spread.volume_exponent
    estimate: Numbers = spread.benchmark_half_bps * BASIS_POINT * by_volatility * by_volume
    return np.maximum(estimate, spread.tick_usd / 2 / price)
