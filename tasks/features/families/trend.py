"""Where the price stands against its own averages, bands and ranges."""

from functools import partial

import numpy as np

from tasks.data.schema import Matrix
from tasks.features.rolling import (
    ema,
    ema_window,
    lag,
    ratio,
    rolling_max,
    rolling_mean,
    rolling_mean_and_std,
    rolling_min,
    weighted_sum,
)
from tasks.features.schema import Feature

WILDER_14 = 27  # Wilder's smoothing of 14 decays as an exponential average with span 2 × 14 − 1


def sma_ratio(close: Matrix, *, window: int) -> Matrix:
    """Return the close against its mean."""
    return close / rolling_mean(close, window) - 1


def sma_cross(close: Matrix, *, fast: int, slow: int) -> Matrix:
    """Return the fast mean against the slow one."""
    return rolling_mean(close, fast) / rolling_mean(close, slow) - 1


def ema_ratio(close: Matrix, *, span: int) -> Matrix:
    """Return the close against its exponential mean."""
    return close / ema(close, span) - 1


def macd_line(close: Matrix) -> Matrix:
    """Return the distance of the 12- and 26-session exponential means, in USD."""
    return ema(close, 12) - ema(close, 26)


def macd(close: Matrix) -> Matrix:
    """Return the MACD line as a fraction of the close."""
    return macd_line(close) / close


def macd_histogram(close: Matrix) -> Matrix:
    """Return the MACD line less its own 9-session exponential mean, as a fraction of the close."""
    line = macd_line(close)
    return (line - ema(line, 9)) / close


def rsi_14(close: Matrix) -> Matrix:
    """Return Wilder's relative strength, 0 (only losses) to 100; 50 where nothing moved."""
    step = close - lag(close, 1)
    gain = ema(np.maximum(step, 0.0), WILDER_14)
    loss = ema(np.maximum(-step, 0.0), WILDER_14)
    return 100 * ratio(gain, gain + loss, flat=0.5)


def stochastic(close: Matrix, high: Matrix, low: Matrix, *, window: int) -> Matrix:
    """Return where the close lies in the window's range, 0 at the low, 1 at the high, 0.5 without a range."""
    lowest = rolling_min(low, window)
    return ratio(close - lowest, rolling_max(high, window) - lowest, flat=0.5)


def bollinger_position(close: Matrix, *, window: int) -> Matrix:
    """Return the close in half-widths of its two-deviation band: 1 at the upper band; 0 when constant."""
    mean, std = rolling_mean_and_std(close, window)
    return ratio(close - mean, 2 * std, flat=0.0)


def detrended(close: Matrix, *, window: int) -> Matrix:
    """Return the close's distance from the straight line through the window, as a fraction of the close."""
    time = np.arange(window, dtype=np.float64)
    centred = time - time.mean()
    line_at_end = 1 / window + centred * centred[-1] / (centred @ centred)
    return 1 - weighted_sum(close, line_at_end) / close


FEATURES = (
    *(
        Feature(
            f"sma_ratio_{n}",
            "trend",
            partial(sma_ratio, window=n),
            ("close",),
            n,
            f"close / mean of {n} closes − 1",
        )
        for n in (10, 20, 50, 200)
    ),
    Feature(
        "sma_cross_50_200",
        "trend",
        partial(sma_cross, fast=50, slow=200),
        ("close",),
        200,
        "mean of 50 closes / mean of 200 closes − 1",
    ),
    Feature(
        "ema_ratio_20",
        "trend",
        partial(ema_ratio, span=20),
        ("close",),
        ema_window(20),
        "close / exponential mean of span 20 − 1",
    ),
    Feature("macd", "trend", macd, ("close",), ema_window(26), "(EMA 12 − EMA 26) / close"),
    Feature(
        "macd_histogram",
        "trend",
        macd_histogram,
        ("close",),
        ema_window(26) + ema_window(9) - 1,
        "(MACD line − its EMA 9) / close",
    ),
    Feature(
        "rsi_14",
        "oscillators",
        rsi_14,
        ("close",),
        ema_window(WILDER_14) + 1,
        "100 × smoothed gains / (smoothed gains + smoothed losses), Wilder 14",
    ),
    Feature(
        "stochastic_14",
        "oscillators",
        partial(stochastic, window=14),
        ("close", "high", "low"),
        14,
        "(close − lowest low) / (highest high − lowest low) of 14 sessions",
    ),
    Feature(
        "bollinger_20",
        "stationary",
        partial(bollinger_position, window=20),
        ("close",),
        20,
        "(close − mean) / (2 × deviation) of 20 closes",
    ),
    Feature(
        "detrended_price_50",
        "stationary",
        partial(detrended, window=50),
        ("close",),
        50,
        "(close − line fitted to 50 closes, none missing) / close",
    ),
)
