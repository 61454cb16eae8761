"""Trading capacity and price impact: illiquid names earn a premium."""

import math
from functools import partial

from tasks.features.engine.arithmetic import is_missing, log, maximum, minimum, ratio, sqrt, tanh, where
from tasks.features.engine.rolling import lag, rolling_line, rolling_mean, rolling_sum
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("liquidity")


def log_dollar_volume(dollar_volume: Series, *, window: int) -> Series:
    """Return the logarithm of the mean USD traded per day; missing without trades."""
    return log(rolling_mean(dollar_volume, window))


def dollar_volume_trend(dollar_volume: Series, *, window: int) -> Series:
    """Return the slope of a line fitted to the USD traded, relative to their mean; 0 without trades."""
    slope, _, _ = rolling_line(dollar_volume, window)
    return ratio(slope, rolling_mean(dollar_volume, window), flat=0.0)


def turnover(dollar_volume: Series, shares: Series, raw_close: Series, *, window: int) -> Series:
    """Return the mean daily turnover of the shares outstanding."""
    return rolling_mean(dollar_volume / (shares * raw_close), window)


def amihud(returns: Series, dollar_volume: Series, *, window: int) -> Series:
    """Return the mean move per million USD traded (Amihud 2002); days without trades do not count."""
    traded = where(dollar_volume > 0, dollar_volume, math.nan)
    return rolling_mean(abs(returns) / traded, window) * 1e6


def amihud_ratio(returns: Series, dollar_volume: Series, *, fast: int, slow: int) -> Series:
    """Return recent over longer-term illiquidity; 1 without moves."""
    return ratio(
        amihud(returns, dollar_volume, window=fast), amihud(returns, dollar_volume, window=slow), flat=1.0
    )


def days_without_trade(
    volume: Series, dollar_volume: Series, shares: Series, raw_close: Series, *, window: int
) -> Series:
    """Return the turnover-adjusted number of days without trades (Liu 2006)."""
    has_none = where(is_missing(volume), math.nan, volume == 0)
    turned_over = rolling_sum(dollar_volume / (shares * raw_close), window)
    return rolling_sum(has_none, window) + 1 / (1 + turned_over)


def zero_return_share(returns: Series, *, window: int) -> Series:
    """Return the fraction of zero returns, a measure of trading costs (Lesmond, Ogden and Trzcinka 1999)."""
    return rolling_mean(where(is_missing(returns), math.nan, returns == 0), window)


def corwin_schultz(high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return the mean bid-ask spread as a fraction of the price, from highs and lows (Corwin and Schultz 2012).

    A range contains the spread once, but variance in proportion to its number of days. Overnight gaps are
    removed; a pair of days with a negative spread counts as 0.
    """
    before = lag(close, 1)
    gap = maximum(low - before, 0.0) + minimum(high - before, 0.0)
    high_before, low_before = lag(high, 1), lag(low, 1)
    highest, lowest = maximum(high - gap, high_before), minimum(low - gap, low_before)
    one_day = log((high - gap) / (low - gap)) ** 2 + log(high_before / low_before) ** 2
    two_days = log(highest / lowest) ** 2
    scale = 3 - 2 * math.sqrt(2)
    alpha = (sqrt(2 * one_day) - sqrt(one_day)) / scale - sqrt(two_days / scale)
    return rolling_mean(maximum(2 * tanh(alpha / 2), 0.0), window)


FEATURES = (
    feature(
        "log_dollar_volume_21",
        partial(log_dollar_volume, window=21),
        21,
        "ln(mean of USD traded over 21 sessions)",
    ),
    feature(
        "dollar_volume_trend_63",
        partial(dollar_volume_trend, window=63),
        63,
        "slope per session of the line through USD traded / its mean, 63 sessions; 0",
    ),
    feature(
        "turnover_21", partial(turnover, window=21), 21, "mean of USD traded / market value over 21 sessions"
    ),
    feature(
        "amihud_21",
        partial(amihud, window=21),
        22,
        "10⁶ × mean of |return| / USD traded over 21 sessions, excluding those without a trade",
    ),
    feature(
        "amihud_ratio_21_252",
        partial(amihud_ratio, fast=21, slow=252),
        253,
        "amihud_21 / the same over 252 sessions; 1",
    ),
    feature(
        "days_without_trade_63",
        partial(days_without_trade, window=63),
        63,
        "sessions without a trade + 1 / (1 + Σ USD traded / market value), 63 sessions",
    ),
    feature(
        "zero_return_share_63",
        partial(zero_return_share, window=63),
        64,
        "share of 63 sessions with a return of exactly 0",
    ),
    feature(
        "corwin_schultz_21",
        partial(corwin_schultz, window=21),
        22,
        "mean over 21 sessions of max(0, 2 (eᵅ − 1) / (eᵅ + 1)), α = (√2 − 1) √β / k − √(γ / k), k = 3 − 2 √2,"
        " β = Σ ln(high / low)² of two sessions, γ = ln(high / low)² of both as one, excluding the gap between them",
    ),
)
