"""What the shares that changed hands say: pressure, attention, and how hard a name is to trade."""

from functools import partial

import numpy as np

from tasks.data.schema import Matrix
from tasks.features.rolling import lag, ratio, rolling_mean, rolling_mean_and_std, rolling_sum, weighted_sum
from tasks.features.schema import Feature


def volume_zscore(volume: Matrix, *, window: int) -> Matrix:
    """Return the day's volume in deviations from its mean; 0 when constant."""
    mean, std = rolling_mean_and_std(volume, window)
    return ratio(volume - mean, std, flat=0.0)


def volume_ratio(volume: Matrix, *, fast: int, slow: int) -> Matrix:
    """Return recent against usual volume; 1 where nothing traded."""
    return ratio(rolling_mean(volume, fast), rolling_mean(volume, slow), flat=1.0)


def log_dollar_volume(dollar_volume: Matrix, *, window: int) -> Matrix:
    """Return the logarithm of the mean USD traded a day; missing where nothing traded."""
    return np.log(rolling_mean(dollar_volume, window))


def amihud(returns: Matrix, dollar_volume: Matrix, *, window: int) -> Matrix:
    """Return the mean move per million USD traded (Amihud 2002); days without trades do not count."""
    traded = np.where(dollar_volume > 0, dollar_volume, np.nan)
    return rolling_mean(np.abs(returns) / traded, window) * 1e6


def vwap_distance(close: Matrix, high: Matrix, low: Matrix, volume: Matrix, *, window: int) -> Matrix:
    """Return the close against the volume-weighted typical price; 0 where nothing traded."""
    paid = rolling_sum((high + low + close) / 3 * volume, window)
    vwap = ratio(paid, rolling_sum(volume, window), flat=np.nan)
    return np.where(np.isnan(vwap) & ~np.isnan(paid), 0.0, close / vwap - 1)


def obv_slope(close: Matrix, volume: Matrix, *, window: int) -> Matrix:
    """Return the slope of on-balance volume over the window, in mean daily volumes; 0 where nothing traded.

    Written as a weighted sum of signed volumes, so that no balance is carried from before the window.
    """
    signed = np.sign(close - lag(close, 1)) * volume
    time = np.arange(window, dtype=np.float64)
    centred = time - time.mean()
    weights = np.cumsum(centred[::-1])[::-1] / (centred @ centred)  # a day counts in every balance from it on
    slope = weighted_sum(signed, weights[1:])  # the first balance is only where the line begins
    return ratio(slope, rolling_mean(volume, window), flat=0.0)


def accumulation(close: Matrix, high: Matrix, low: Matrix, volume: Matrix, *, window: int) -> Matrix:
    """Return the share of volume that closed near the high less that near the low (Chaikin), −1 to 1."""
    location = ratio(2 * close - high - low, high - low, flat=0.0)
    return ratio(rolling_sum(location * volume, window), rolling_sum(volume, window), flat=0.0)


FEATURES = (
    Feature(
        "volume_z_20",
        "stationary",
        partial(volume_zscore, window=20),
        ("volume",),
        20,
        "(volume − mean) / deviation of 20 sessions",
    ),
    Feature(
        "volume_ratio_5_63",
        "volume",
        partial(volume_ratio, fast=5, slow=63),
        ("volume",),
        63,
        "mean volume of 5 sessions / mean volume of 63",
    ),
    Feature(
        "log_dollar_volume_21",
        "liquidity",
        partial(log_dollar_volume, window=21),
        ("dollar_volume",),
        21,
        "log of the mean USD traded in 21 sessions",
    ),
    Feature(
        "amihud_21",
        "liquidity",
        partial(amihud, window=21),
        ("returns", "dollar_volume"),
        22,
        "mean of |return| per million USD traded, 21 sessions",
    ),
    Feature(
        "vwap_distance_20",
        "volume",
        partial(vwap_distance, window=20),
        ("close", "high", "low", "volume"),
        20,
        "close / volume-weighted typical price of 20 sessions − 1",
    ),
    Feature(
        "obv_slope_21",
        "volume",
        partial(obv_slope, window=21),
        ("close", "volume"),
        21,
        "slope of on-balance volume over 21 sessions, none missing / mean volume",
    ),
    Feature(
        "accumulation_20",
        "volume",
        partial(accumulation, window=20),
        ("close", "high", "low", "volume"),
        20,
        "Σ volume × (2 close − high − low) / (high − low) over Σ volume, 20 sessions",
    ),
)
