"""Buying and selling pressure, and attention, as measured by traded volume."""

import math
from functools import partial

import numpy as np

from tasks.features.engine.arithmetic import is_missing, ratio, sign, where
from tasks.features.engine.rolling import (
    lag,
    rolling_correlation,
    rolling_mean,
    rolling_mean_and_std,
    rolling_rank,
    rolling_sum,
    weighted_sum,
)
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("volume")


def volume_ratio(volume: Series, *, fast: int, slow: int) -> Series:
    """Return recent against usual volume; 1 where nothing traded."""
    return ratio(rolling_mean(volume, fast), rolling_mean(volume, slow), flat=1.0)


def volume_place(volume: Series, *, window: int) -> Series:
    """Return the day's place among the window's volumes (Gervais, Kaniel and Mingelgrin 2001)."""
    return rolling_rank(volume, window)


def volume_variation(volume: Series, *, window: int) -> Series:
    """Return how unsteady volume is, against its mean (Chordia et al. 2001); 0 where nothing traded."""
    mean, std = rolling_mean_and_std(volume, window)
    return ratio(std, mean, flat=0.0)


def vwap_distance(close: Series, high: Series, low: Series, volume: Series, *, window: int) -> Series:
    """Return the close against the volume-weighted typical price; 0 where nothing traded."""
    paid = rolling_sum((high + low + close) / 3 * volume, window)
    vwap = ratio(paid, rolling_sum(volume, window), flat=math.nan)
    return where(is_missing(vwap) & ~is_missing(paid), 0.0, close / vwap - 1)


def obv_slope(close: Series, volume: Series, *, window: int) -> Series:
    """Return the slope of on-balance volume over the window, in mean daily volumes; 0 where nothing traded.

    Written as a weighted sum of signed volumes, so that no balance is carried from before the window.
    """
    signed = sign(close - lag(close, 1)) * volume
    time = np.arange(window, dtype=np.float64)
    centred = time - time.mean()
    weights = np.cumsum(centred[::-1])[::-1] / (centred @ centred)  # a day counts in every balance from it on
    slope = weighted_sum(signed, weights[1:])  # the first balance is only where the line begins
    return ratio(slope, rolling_mean(volume, window), flat=0.0)


def accumulation(close: Series, high: Series, low: Series, volume: Series, *, window: int) -> Series:
    """Return the share of volume that closed near the high less that near the low (Chaikin), −1 to 1."""
    location = ratio(2 * close - high - low, high - low, flat=0.0)
    return ratio(rolling_sum(location * volume, window), rolling_sum(volume, window), flat=0.0)


def price_volume_correlation(returns: Series, volume: Series, *, window: int) -> Series:
    """Return whether gains come on heavy trade (positive) or losses do; 0 where either does not vary."""
    return rolling_correlation(returns, volume, window)


FEATURES = (
    feature(
        "volume_ratio_5_63",
        partial(volume_ratio, fast=5, slow=63),
        63,
        "mean volume of 5 sessions / mean volume of 63; 1",
    ),
    feature(
        "volume_place_50",
        partial(volume_place, window=50),
        50,
        "rank of the volume among those of 50 sessions / their number, 1 the largest, equals share their mean",
    ),
    feature(
        "volume_variation_63",
        partial(volume_variation, window=63),
        63,
        "deviation / mean of the volume of 63 sessions; 0",
    ),
    feature(
        "vwap_distance_20",
        partial(vwap_distance, window=20),
        20,
        "close × Σ volume / Σ p × volume − 1, 20 sessions, p = (high + low + close) / 3; 0",
    ),
    feature(
        "obv_slope_21",
        partial(obv_slope, window=21),
        21,
        "slope a session of the line through on-balance volume / mean volume, 21 sessions, none missing; 0",
    ),
    feature(
        "accumulation_20",
        partial(accumulation, window=20),
        20,
        "Σ volume × (2 close − high − low) / (high − low) / Σ volume, 20 sessions; 0",
    ),
    feature(
        "price_volume_correlation_63",
        partial(price_volume_correlation, window=63),
        64,
        "correlation of return and volume, 63 sessions; 0",
    ),
)
