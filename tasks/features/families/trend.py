"""Price relative to its moving averages, and the direction and straightness of the trend."""

from functools import partial

from tasks.features.engine.arithmetic import ratio, where
from tasks.features.engine.rolling import (
    ema,
    ema_window,
    lag,
    rolling_line,
    rolling_mean,
    rolling_mean_and_std,
    rolling_sum,
)
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family
from tasks.features.families.returns import change

feature = Family("trend")


def sma_ratio(close: Series, *, window: int) -> Series:
    """Return the close relative to its mean."""
    return close / rolling_mean(close, window) - 1


def sma_cross(close: Series, *, fast: int, slow: int) -> Series:
    """Return the fast mean relative to the slow one."""
    return rolling_mean(close, fast) / rolling_mean(close, slow) - 1


def sma_change(close: Series, *, window: int, sessions: int) -> Series:
    """Return the relative change of the mean."""
    return change(rolling_mean(close, window), sessions=sessions)


def ema_ratio(close: Series, *, span: int) -> Series:
    """Return the close relative to its exponential mean."""
    return close / ema(close, span) - 1


def macd_line(close: Series) -> Series:
    """Return the MACD line in USD: the 12-session less the 26-session exponential mean."""
    return ema(close, 12) - ema(close, 26)


def macd(close: Series) -> Series:
    """Return the MACD line as a fraction of the close."""
    return macd_line(close) / close


def macd_histogram(close: Series) -> Series:
    """Return the MACD line less its own 9-session exponential mean, as a fraction of the close."""
    line = macd_line(close)
    return (line - ema(line, 9)) / close


def line_slope(close: Series, *, window: int) -> Series:
    """Return the slope of the line fitted to the window, as a fraction of the close."""
    slope, _, _ = rolling_line(close, window)
    return slope / close


def line_fit(close: Series, *, window: int) -> Series:
    """Return r² of the line fitted to the window; 0 without moves."""
    slope, r_squared, _ = rolling_line(close, window)
    return where(slope == 0, 0.0, r_squared)


def efficiency(close: Series, *, window: int) -> Series:
    """Return the efficiency ratio (Kaufman): net move over the sum of absolute moves, 0 to 1; 0 without moves."""
    travelled = rolling_sum(abs(close - lag(close, 1)), window)
    return ratio(abs(close - lag(close, window)), travelled, flat=0.0)


def variance_ratio(close: Series, returns: Series, *, sessions: int, window: int) -> Series:
    """Return the variance ratio (Lo and MacKinlay 1988): above 1 for trends, below 1 for reversals; 1 without moves."""
    _, of_longer = rolling_mean_and_std(change(close, sessions=sessions), window)
    _, of_days = rolling_mean_and_std(returns, window)
    return ratio(of_longer**2, sessions * of_days**2, flat=1.0)


FEATURES = (
    *(
        feature(f"sma_ratio_{n}", partial(sma_ratio, window=n), n, f"close / mean of {n} closes − 1")
        for n in (10, 20, 50, 200)
    ),
    feature(
        "sma_cross_50_200",
        partial(sma_cross, fast=50, slow=200),
        200,
        "mean of 50 closes / mean of 200 closes − 1",
    ),
    feature(
        "sma_change_200",
        partial(sma_change, window=200, sessions=21),
        221,
        "mean of 200 closes / the same mean 21 sessions ago − 1",
    ),
    feature("ema_ratio_20", partial(ema_ratio, span=20), ema_window(20), "close / EMA 20 − 1"),
    feature("macd", macd, ema_window(26), "(EMA 12 − EMA 26) / close"),
    feature(
        "macd_histogram",
        macd_histogram,
        ema_window(26) + ema_window(9) - 1,
        "(m − EMA 9 of m) / close, m = EMA 12 − EMA 26",
    ),
    feature(
        "line_slope_63",
        partial(line_slope, window=63),
        63,
        "slope per session of the line through 63 closes / close",
    ),
    feature("line_fit_63", partial(line_fit, window=63), 63, "r² of the line through 63 closes; 0"),
    feature(
        "efficiency_21",
        partial(efficiency, window=21),
        22,
        "|close − close 21 ago| / Σ |close − previous close| over 21 sessions; 0",
    ),
    feature(
        "variance_ratio_5_126",
        partial(variance_ratio, sessions=5, window=126),
        131,
        "variance of (close / close 5 ago) / (5 × variance of (close / previous close)), 126 sessions; 1",
    ),
)
