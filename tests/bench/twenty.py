"""Twenty plain rolling features, as Afterclose computes them; `rivals/` has them in pandas, polars and SQL.

Windows are counted in sessions, and a figure wants four fifths of its window, on every side.
"""

from functools import partial

from tasks.features.engine.arithmetic import maximum, minimum
from tasks.features.engine.feature import Feature
from tasks.features.engine.rolling import (
    lag,
    rolling_correlation,
    rolling_max,
    rolling_mean,
    rolling_mean_and_std,
    rolling_min,
    rolling_sum,
)
from tasks.features.engine.series import Series


def close_to_mean(close: Series, *, window: int) -> Series:
    return close / rolling_mean(close, window) - 1


def deviation(returns: Series, *, window: int) -> Series:
    return rolling_mean_and_std(returns, window)[1]


def z_score(values: Series, *, window: int) -> Series:
    mean, std = rolling_mean_and_std(values, window)
    return (values - mean) / std


def change(close: Series, *, sessions: int) -> Series:
    return close / lag(close, sessions) - 1


def rsi(close: Series, *, window: int) -> Series:
    """Return the share of gains in all moves, in percent, with equal weights (Cutler)."""
    step = close - lag(close, 1)
    gain = rolling_sum(maximum(step, 0.0), window)
    return 100 * gain / (gain + rolling_sum(maximum(-step, 0.0), window))


def true_range(high: Series, low: Series, close: Series, *, window: int) -> Series:
    before = lag(close, 1)
    return rolling_mean(maximum(high, before) - minimum(low, before), window) / close


def below_high(close: Series, high: Series, *, window: int) -> Series:
    return close / rolling_max(high, window) - 1


def above_low(close: Series, low: Series, *, window: int) -> Series:
    return close / rolling_min(low, window) - 1


def volume_ratio(volume: Series, *, fast: int, slow: int) -> Series:
    return rolling_mean(volume, fast) / rolling_mean(volume, slow)


def _feature(name, function, inputs, window):
    return Feature(name, "bench", function, inputs, window, description=name)


TWENTY = (
    *(_feature(f"close_to_mean_{n}", partial(close_to_mean, window=n), ("close",), n) for n in (5, 20, 60)),
    *(_feature(f"deviation_{n}", partial(deviation, window=n), ("returns",), n + 1) for n in (20, 60, 120)),
    *(_feature(f"z_score_{n}", partial(z_score, window=n), ("close",), n) for n in (20, 60)),
    _feature("volume_z_score_20", partial(z_score, window=20), ("volume",), 20),
    *(_feature(f"change_{n}", partial(change, sessions=n), ("close",), n + 1) for n in (5, 21, 63, 126)),
    _feature("rsi_14", partial(rsi, window=14), ("close",), 15),
    _feature("atr_14", partial(true_range, window=14), ("high", "low", "close"), 15),
    _feature("below_high_252", partial(below_high, window=252), ("close", "high"), 252),
    _feature("above_low_252", partial(above_low, window=252), ("close", "low"), 252),
    *(
        _feature(
            f"market_correlation_{n}",
            partial(rolling_correlation, window=n),
            ("returns", "market_returns"),
            n + 1,
        )
        for n in (60, 120)
    ),
    _feature("volume_ratio_5_60", partial(volume_ratio, fast=5, slow=60), ("volume",), 60),
)
