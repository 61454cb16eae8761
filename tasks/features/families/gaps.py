"""Overnight and intraday returns: they reflect different investors, who often trade in opposite directions."""

import math
from functools import partial

from tasks.features.engine.arithmetic import is_missing, maximum, ratio, where
from tasks.features.engine.rolling import lag, rolling_mean, rolling_mean_and_std
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("gaps")


def overnight_gap(open_: Series, close: Series) -> Series:
    """Return the overnight return: open over the previous close."""
    return open_ / lag(close, 1) - 1


def intraday_return(open_: Series, close: Series) -> Series:
    """Return the intraday return: close over open."""
    return close / open_ - 1


def mean_gap(open_: Series, close: Series, *, window: int) -> Series:
    """Return the mean overnight return."""
    return rolling_mean(overnight_gap(open_, close), window)


def overnight_less_intraday(open_: Series, close: Series, *, window: int) -> Series:
    """Return the mean overnight less the mean intraday return (Lou, Polk and Skouras 2019)."""
    return mean_gap(open_, close, window=window) - rolling_mean(intraday_return(open_, close), window)


def overnight_share_of_variance(open_: Series, close: Series, *, window: int) -> Series:
    """Return the overnight fraction of absolute moves; 0.5 without moves."""
    _, night = rolling_mean_and_std(overnight_gap(open_, close), window)
    _, day = rolling_mean_and_std(intraday_return(open_, close), window)
    return ratio(night**2, night**2 + day**2, flat=0.5)


def gap_share(open_: Series, high: Series, low: Series, *, window: int) -> Series:
    """Return the fraction of sessions that opened outside the previous session's range."""
    above, below = open_ - lag(high, 1), lag(low, 1) - open_
    beyond = maximum(above, below)
    return rolling_mean(where(is_missing(beyond), math.nan, beyond > 0), window)


FEATURES = (
    feature("overnight_gap", overnight_gap, 2, "open / previous close − 1"),
    feature("intraday_return", intraday_return, 1, "close / open − 1"),
    feature(
        "mean_gap_21", partial(mean_gap, window=21), 22, "mean of open / previous close − 1 over 21 sessions"
    ),
    feature(
        "overnight_less_intraday_63",
        partial(overnight_less_intraday, window=63),
        64,
        "mean of open / previous close − mean of close / open, 63 sessions",
    ),
    feature(
        "overnight_share_of_variance_63",
        partial(overnight_share_of_variance, window=63),
        64,
        "v / (v + variance of close / open), v = variance of open / previous close, 63 sessions; 0.5",
    ),
    feature(
        "gap_share_63",
        partial(gap_share, window=63),
        64,
        "share of 63 sessions that opened above the previous high or below the previous low",
    ),
)
