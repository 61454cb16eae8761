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
    """Return recent over longer-term volume; 1 without trades."""
    return ratio(rolling_mean(volume, fast), rolling_mean(volume, slow), flat=1.0)


def volume_place(volume: Series, *, window: int) -> Series:
    """Return the rank of the day's volume in the window (Gervais, Kaniel and Mingelgrin 2001)."""
    return rolling_rank(volume, window)


def volume_variation(volume: Series, *, window: int) -> Series:
    """Return the coefficient of variation of volume (Chordia et al. 2001); 0 without trades."""
    mean, std = rolling_mean_and_std(volume, window)
    return ratio(std, mean, flat=0.0)


def vwap_distance(close: Series, high: Series, low: Series, volume: Series, *, window: int) -> Series:
    """Return the close relative to the volume-weighted typical price; 0 without trades."""
    paid = rolling_sum((high + low + close) / 3 * volume, window)
    vwap = ratio(paid, rolling_sum(volume, window), flat=math.nan)
    return where(is_missing(vwap) & ~is_missing(paid), 0.0, close / vwap - 1)


def obv_slope(close: Series, volume: Series, *, window: int) -> Series:
    """Return the slope of on-balance volume over the window, in mean daily volumes; 0 without trades.

    Computed as a weighted sum of signed volumes, so that nothing before the window matters.
    """
    signed = sign(close - lag(close, 1)) * volume
    time = np.arange(window, dtype=np.float64)
    centred = time - time.mean()
    weights = np.cumsum(centred[::-1])[::-1] / (centred @ centred)  # a day is part of every later balance
    slope = weighted_sum(signed, weights[1:])  # the first balance is the reference
    return ratio(slope, rolling_mean(volume, window), flat=0.0)


def accumulation(close: Series, high: Series, low: Series, volume: Series, *, window: int) -> Series:
    """Return the Chaikin money flow, −1 to 1: volume weighted by the position of the close in the range."""
    location = ratio(2 * close - high - low, high - low, flat=0.0)
    return ratio(rolling_sum(location * volume, window), rolling_sum(volume, window), flat=0.0)


def price_volume_correlation(returns: Series, volume: Series, *, window: int) -> Series:
    """Return the correlation of returns and volume; 0 where either is constant."""
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
        "rank of the volume among those of 50 sessions / their number, 1 the largest, ties get the mean of their ranks",
    ),
    feature(
        "volume_variation_63",
        partial(volume_variation, window=63),
        63,
        "standard deviation / mean of the volume of 63 sessions; 0",
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
        "slope per session of the line through on-balance volume / mean volume, 21 sessions, none missing; 0",
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
