"""Position of a move within its recent range: overbought, oversold, or trending."""

import math
from functools import partial

from tasks.features.engine.arithmetic import is_missing, maximum, ratio, where
from tasks.features.engine.rolling import (
    ema,
    ema_window,
    lag,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_sum,
    sessions_since_max,
    sessions_since_min,
)
from tasks.features.engine.series import Series, series
from tasks.features.families.declaration import Family
from tasks.features.families.ranges import true_range
from tasks.features.families.returns import change

WILDER_14 = 27  # Wilder's smoothing of 14 decays as an exponential average with span 2 × 14 − 1

feature = Family("oscillators")


def rsi_14(close: Series) -> Series:
    """Return Wilder's relative strength, 0 (only losses) to 100; 50 without moves."""
    step = close - lag(close, 1)
    gain = ema(maximum(step, 0.0), WILDER_14)
    loss = ema(maximum(-step, 0.0), WILDER_14)
    return 100 * ratio(gain, gain + loss, flat=0.5)


def stochastic(close: Series, high: Series, low: Series, *, window: int) -> Series:
    """Return the position of the close in the window's range, 0 at the low, 1 at the high, 0.5 without a range."""
    lowest = rolling_min(low, window)
    return ratio(close - lowest, rolling_max(high, window) - lowest, flat=0.5)


def stochastic_d(close: Series, high: Series, low: Series, *, window: int) -> Series:
    """Return the three-session mean of the stochastic, its signal line."""
    return rolling_mean(stochastic(close, high, low, window=window), 3)


def cci(close: Series, high: Series, low: Series, *, window: int) -> Series:
    """Return Lambert's commodity channel index, mostly within ±100; 0 where nothing moved."""
    price = (high + low + close) / 3
    mean = rolling_mean(price, window)
    return ratio(price - mean, 0.015 * _mean_distance(price, mean, window), flat=0.0)


def _mean_distance(values: Series, centre: Series, window: int) -> Series:
    """Return the mean absolute deviation of the window from the center of its last row."""
    total, count = series(0.0), series(0.0)
    for back in range(window):
        distance = abs(lag(values, back) - centre)
        total += where(is_missing(distance), 0.0, distance)
        count += where(is_missing(distance), 0.0, 1.0)
    return total / count


def money_flow(close: Series, high: Series, low: Series, volume: Series, *, window: int) -> Series:
    """Return the money flow index, 0 to 100; 50 without moves."""
    price = (high + low + close) / 3
    step = price - lag(price, 1)
    flow = price * volume
    risen = rolling_sum(where(is_missing(step), math.nan, (step > 0) * flow), window)
    fallen = rolling_sum(where(is_missing(step), math.nan, (step < 0) * flow), window)
    return 100 * ratio(risen, risen + fallen, flat=0.5)


def trix(close: Series, *, span: int) -> Series:
    """Return the daily change of a triple-smoothed price (TRIX)."""
    return change(ema(ema(ema(close, span), span), span), sessions=1)


def aroon(high: Series, low: Series, *, window: int) -> Series:
    """Return Chande's Aroon oscillator, −100 to 100: high if highs are more recent than lows."""
    since_high, since_low = sessions_since_max(high, window + 1), sessions_since_min(low, window + 1)
    return 100 * (since_low - since_high) / window


def directional_move_14(close: Series, high: Series, low: Series) -> Series:
    """Return Wilder's +DI less −DI, −100 to 100; 0 where nothing moved."""
    rise, fall = _directional_moves(high, low)
    return 100 * ratio(rise - fall, ema(true_range(high, low, close), WILDER_14), flat=0.0)


def adx_14(high: Series, low: Series) -> Series:
    """Return the average directional index, 0 to 100; the true range of both DI cancels."""
    rise, fall = _directional_moves(high, low)
    return 100 * rolling_mean(ratio(abs(rise - fall), rise + fall, flat=0.0), 14)


def _directional_moves(high: Series, low: Series) -> tuple[Series, Series]:
    """Return the smoothed directional movements up and down; per bar only the larger counts."""
    above, below = high - lag(high, 1), lag(low, 1) - low
    rise, fall = maximum(above, 0.0) * (above > below), maximum(below, 0.0) * (below > above)
    return ema(rise, WILDER_14), ema(fall, WILDER_14)


FEATURES = (
    feature(
        "rsi_14",
        rsi_14,
        ema_window(WILDER_14) + 1,
        "100 × g / (g + l), EMA 27 (Wilder's 14) of gains, max(close − previous close, 0), and of losses; 50",
    ),
    feature(
        "stochastic_14",
        partial(stochastic, window=14),
        14,
        "(close − lowest low) / (highest high − lowest low) of 14 sessions, which is 1 + Williams %R / 100; 0.5",
    ),
    feature("stochastic_d_14", partial(stochastic_d, window=14), 16, "mean of stochastic_14 over 3 sessions"),
    feature(
        "cci_20",
        partial(cci, window=20),
        20,
        "(p − mean of p) / (0.015 × mean of |p − mean of p|), 20 sessions, p = (high + low + close) / 3; 0",
    ),
    feature(
        "money_flow_14",
        partial(money_flow, window=14),
        15,
        "100 × Σ p × volume where p rose / Σ p × volume where p moved, 14 sessions, p = (high + low + close) / 3; 50",
    ),
    feature(
        "trix_15",
        partial(trix, span=15),
        3 * ema_window(15) - 1,
        "e / previous e − 1, e = EMA 15 of EMA 15 of EMA 15 of the close",
    ),
    feature(
        "aroon_25",
        partial(aroon, window=25),
        26,
        "100 × (sessions since the lowest low − since the highest high of 26 sessions) / 25, the oldest if tied",
    ),
    feature(
        "directional_move_14",
        directional_move_14,
        ema_window(WILDER_14) + 1,
        "100 × (u − d) / EMA 27 of the true range, u and d the EMA 27 (Wilder's 14) of high − previous high and of"
        " previous low − low, each 0 unless it is positive and larger than the other; 0",
    ),
    feature(
        "adx_14",
        adx_14,
        ema_window(WILDER_14) + 14,
        "mean over 14 sessions of 100 × |u − d| / (u + d) or 0, u and d as in directional_move_14",
    ),
)
