"""Width of the bars, position of the close in them, and whether ranges widen or narrow."""

import math
from functools import partial

from tasks.features.engine.arithmetic import log, maximum, minimum, ratio
from tasks.features.engine.rolling import lag, rolling_max, rolling_mean, rolling_min, rolling_sum
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("ranges")


def intraday_range(high: Series, low: Series, close: Series) -> Series:
    """Return the day's range as a fraction of the close."""
    return (high - low) / close


def close_in_range(high: Series, low: Series, close: Series) -> Series:
    """Return the position of the close in the day's range, 0 at the low, 1 at the high; 0.5 without a range."""
    return ratio(close - low, high - low, flat=0.5)


def range_ratio(high: Series, low: Series, close: Series, *, fast: int, slow: int) -> Series:
    """Return recent over longer-term ranges; 1 without moves."""
    day = intraday_range(high, low, close)
    return ratio(rolling_mean(day, fast), rolling_mean(day, slow), flat=1.0)


def true_range(high: Series, low: Series, close: Series) -> Series:
    """Return the true range in USD: the day's range including the gap before it."""
    before = lag(close, 1)
    return maximum(high, before) - minimum(low, before)


def atr_fraction(high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return the mean true range, gaps included, as a fraction of the close."""
    return rolling_mean(true_range(high, low, close), window) / close


def choppiness(high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return the choppiness index (Dreiss): 0 for a straight line, about 1 for a sideways market."""
    travelled = rolling_sum(true_range(high, low, close), window)
    covered = rolling_max(high, window) - rolling_min(low, window)
    return log(ratio(travelled, covered, flat=window)) / math.log(window)


FEATURES = (
    feature("intraday_range", intraday_range, 1, "(high − low) / close"),
    feature("close_in_range", close_in_range, 1, "(close − low) / (high − low); 0.5"),
    feature(
        "range_ratio_5_63",
        partial(range_ratio, fast=5, slow=63),
        63,
        "mean of (high − low) / close over 5 sessions / the same over 63; 1",
    ),
    feature(
        "atr_fraction_14", partial(atr_fraction, window=14), 15, "mean true range of 14 sessions / close"
    ),
    feature(
        "choppiness_14",
        partial(choppiness, window=14),
        15,
        "log₁₄(Σ true range / (highest high − lowest low)) of 14 sessions; 1",
    ),
)
