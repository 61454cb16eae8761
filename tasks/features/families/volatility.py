"""Size of the price moves, their asymmetry, and whether volatility is rising."""

import math
from functools import partial

from tasks.features.engine.arithmetic import log, maximum, minimum, ratio, sqrt
from tasks.features.engine.rolling import (
    rolling_max,
    rolling_mean,
    rolling_mean_and_std,
    rolling_min,
    rolling_skewness_and_kurtosis,
)
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

SESSIONS_PER_YEAR = 252

feature = Family("volatility")


def realized_volatility(returns: Series, *, window: int) -> Series:
    """Return the annualized standard deviation of daily returns."""
    _, std = rolling_mean_and_std(returns, window)
    return std * math.sqrt(SESSIONS_PER_YEAR)


def volatility_ratio(returns: Series, *, fast: int, slow: int) -> Series:
    """Return recent over longer-term volatility; 1 without moves."""
    return ratio(
        realized_volatility(returns, window=fast), realized_volatility(returns, window=slow), flat=1.0
    )


def volatility_of_volatility(returns: Series, *, fast: int, slow: int) -> Series:
    """Return the volatility of volatility over its mean; 0 without moves."""
    mean, std = rolling_mean_and_std(realized_volatility(returns, window=fast), slow)
    return ratio(std, mean, flat=0.0)


def downside_volatility(returns: Series, *, window: int) -> Series:
    """Return the annualized root mean square of losses, gains counting as 0."""
    return _yearly(rolling_mean(minimum(returns, 0.0) ** 2, window))


def parkinson(high: Series, low: Series, *, window: int) -> Series:
    """Return intraday volatility from ranges (Parkinson 1980)."""
    return _yearly(rolling_mean(log(high / low) ** 2, window) / (4 * math.log(2)))


def garman_klass(open_: Series, high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return intraday volatility from ranges and moves (Garman and Klass 1980)."""
    spread, move = log(high / low), log(close / open_)
    return _yearly(rolling_mean(spread**2 / 2 - (2 * math.log(2) - 1) * move**2, window))


def rogers_satchell(open_: Series, high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return intraday volatility, independent of drift (Rogers and Satchell 1991)."""
    above = log(high / close) * log(high / open_)
    below = log(low / close) * log(low / open_)
    return _yearly(rolling_mean(above + below, window))


def largest_return(returns: Series, *, window: int) -> Series:
    """Return the largest daily return (Bali, Cakici and Whitelaw 2011)."""
    return rolling_max(returns, window)


def largest_fall(returns: Series, *, window: int) -> Series:
    """Return the smallest daily return."""
    return rolling_min(returns, window)


def deepest_drawdown(close: Series, *, window: int) -> Series:
    """Return the maximum drawdown below the rolling high."""
    return rolling_min(close / rolling_max(close, window) - 1, window)


def skewness(returns: Series, *, window: int) -> Series:
    """Return the skewness of returns; 0 without moves."""
    return rolling_skewness_and_kurtosis(returns, window)[0]


def kurtosis(returns: Series, *, window: int) -> Series:
    """Return the excess kurtosis of returns; 0 without moves."""
    return rolling_skewness_and_kurtosis(returns, window)[1]


def _yearly(variance: Series) -> Series:
    return sqrt(maximum(variance, 0.0) * SESSIONS_PER_YEAR)


FEATURES = (
    feature("max_return_21", partial(largest_return, window=21), 22, "largest of 21 daily returns", "zscore"),
    *(
        feature(
            f"volatility_{n}",
            partial(realized_volatility, window=n),
            n + 1,
            f"standard deviation of {n} daily returns × √252",
        )
        for n in (21, 63)
    ),
    feature(
        "volatility_ratio_21_126",
        partial(volatility_ratio, fast=21, slow=126),
        127,
        "standard deviation of 21 daily returns / of 126; 1",
    ),
    feature(
        "volatility_63_neutral",
        partial(realized_volatility, window=63),
        64,
        "standard deviation of 63 daily returns × √252",
        "neutral_rank",
        version=2,
    ),
    feature(
        "volatility_of_volatility_126",
        partial(volatility_of_volatility, fast=21, slow=126),
        147,
        "standard deviation / mean of volatility_21 over 126 sessions; 0",
    ),
    feature(
        "downside_volatility_63",
        partial(downside_volatility, window=63),
        64,
        "√(252 × mean of min(return, 0)²) over 63 sessions",
    ),
    feature(
        "parkinson_21",
        partial(parkinson, window=21),
        21,
        "√(252 × mean of ln(high / low)² / (4 ln 2)) over 21 sessions",
    ),
    feature(
        "garman_klass_21",
        partial(garman_klass, window=21),
        21,
        "√(252 × mean of (ln(high / low)² / 2 − (2 ln 2 − 1) × ln(close / open)²)) over 21 sessions",
    ),
    feature(
        "rogers_satchell_21",
        partial(rogers_satchell, window=21),
        21,
        "√(252 × mean of (ln(high / close) × ln(high / open) + ln(low / close) × ln(low / open))), 21 sessions",
    ),
    feature("largest_fall_21", partial(largest_fall, window=21), 22, "smallest of 21 daily returns"),
    feature(
        "deepest_drawdown_126",
        partial(deepest_drawdown, window=126),
        251,
        "smallest over 126 sessions of close / highest close of the 126 sessions up to then − 1",
    ),
    feature(
        "skewness_126",
        partial(skewness, window=126),
        127,
        "skewness of 126 daily returns, corrected for bias; 0",
    ),
    feature(
        "kurtosis_126",
        partial(kurtosis, window=126),
        127,
        "excess kurtosis of 126 daily returns, corrected for bias; 0",
    ),
)
