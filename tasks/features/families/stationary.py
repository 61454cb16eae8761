"""Drifting levels, relative to their own past, so that different years are comparable."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine.arithmetic import log1p, ratio
from tasks.features.engine.rolling import rolling_mean, rolling_mean_and_std, rolling_sum, weighted_sum
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family
from tasks.features.families.volatility import realized_volatility

feature = Family("stationary")


def demeaned_return(returns: Series, *, window: int) -> Series:
    """Return the day's return less its own mean."""
    return returns - rolling_mean(returns, window)


def volume_weighted_momentum(returns: Series, volume: Series, *, window: int) -> Series:
    """Return the volume-weighted mean return."""
    return ratio(rolling_sum(returns * volume, window), rolling_sum(volume, window), flat=0.0)


def bollinger_position(close: Series, *, window: int) -> Series:
    """Return the position of the close in its two-deviation band: ±1 at its edges; 0 if constant."""
    mean, std = rolling_mean_and_std(close, window)
    return ratio(close - mean, 2 * std, flat=0.0)


def detrended(close: Series, *, window: int) -> Series:
    """Return the close's distance from the straight line through the window, as a fraction of the close."""
    time = np.arange(window, dtype=np.float64)
    centred = time - time.mean()
    line_at_end = 1 / window + centred * centred[-1] / (centred @ centred)
    return 1 - weighted_sum(close, line_at_end) / close


def rolling_zscore(values: Series, *, window: int) -> Series:
    """Return the z-score of the current value within its window; 0 if constant."""
    mean, std = rolling_mean_and_std(values, window)
    return ratio(values - mean, std, flat=0.0)


def volatility_zscore(returns: Series, *, fast: int, window: int) -> Series:
    """Return the z-score of recent volatility; 0 if constant."""
    return rolling_zscore(realized_volatility(returns, window=fast), window=window)


def fractional_difference(returns: Series, *, order: float, window: int) -> Series:
    """Return the fractionally differenced log price (López de Prado 2018), relative to the start of the window.

    Order 1 is the day's return, order 0 that of the whole window. Computed from returns, which have no level.
    """
    return weighted_sum(log1p(returns), np.cumsum(_fractional_weights(order, window))[::-1])


def _fractional_weights(order: float, window: int) -> NDArray[np.float64]:
    """Return the weights of (1 − lag)^order, the current row's first."""
    back = np.arange(1, window, dtype=np.float64)
    return np.cumprod(np.concatenate([[1.0], (back - 1 - order) / back]))


FEATURES = (
    feature("demeaned_return_60", partial(demeaned_return, window=60), 61, "return − mean of 60 returns"),
    feature(
        "volume_weighted_momentum_21",
        partial(volume_weighted_momentum, window=21),
        22,
        "Σ return × volume / Σ volume over 21 sessions; 0",
    ),
    feature(
        "bollinger_20",
        partial(bollinger_position, window=20),
        20,
        "(close − mean) / (2 × standard deviation) of 20 closes; 0",
    ),
    feature(
        "detrended_price_50",
        partial(detrended, window=50),
        50,
        "(close − line through 50 closes at its end) / close, none missing",
    ),
    feature(
        "volume_z_20",
        partial(rolling_zscore, window=20),
        20,
        "(volume − mean) / standard deviation of 20 sessions; 0",
        inputs=("volume",),
    ),
    feature(
        "volatility_z_231",
        partial(volatility_zscore, fast=21, window=231),
        252,
        "(volatility_21 − its mean) / its standard deviation over 231 sessions; 0",
    ),
    feature(
        "fractional_price_63",
        partial(fractional_difference, order=0.4, window=63),
        64,
        "Σ wⱼ × ln(1 + return j ago), j = 0 … 62, none missing, wⱼ the sum of the first j + 1"
        " coefficients of (1 − L)^0.4",
    ),
)
