"""Qlib's Alpha158 on our bars: 13 features of a single bar, and 29 of a window, over five windows.

The definitions and their order are those of `qlib/contrib/data/loader.py`; `a158_roc_5` is Qlib's ROC5. Missing
values, and values of names that do not trade or move, follow our rules; docs/alpha158.md lists the differences.
"""

from collections.abc import Callable
from functools import partial

from tasks.features.engine.arithmetic import maximum, minimum, ratio
from tasks.features.engine.series import Series
from tasks.features.families.alpha158 import windows
from tasks.features.families.declaration import Family

feature = Family("alpha158")

BarPart = Callable[[Series, Series, Series, Series], Series]  # of open, high, low, close


def body(open_: Series, _high: Series, _low: Series, close: Series) -> Series:
    """Return close less open."""
    return close - open_


def length(_open: Series, high: Series, low: Series, _close: Series) -> Series:
    """Return the bar's range."""
    return high - low


def upper_shadow(open_: Series, high: Series, _low: Series, close: Series) -> Series:
    """Return the upper shadow."""
    return high - maximum(open_, close)


def lower_shadow(open_: Series, _high: Series, low: Series, close: Series) -> Series:
    """Return the lower shadow."""
    return minimum(open_, close) - low


def shift(_open: Series, high: Series, low: Series, close: Series) -> Series:
    """Return twice the distance of the close from the middle of the range."""
    return 2 * close - high - low


def over_open(open_: Series, high: Series, low: Series, close: Series, *, part: BarPart) -> Series:
    """Return a part of the bar as a fraction of its open."""
    return part(open_, high, low, close) / open_


def over_range(open_: Series, high: Series, low: Series, close: Series, *, part: BarPart) -> Series:
    """Return a part of the bar as a fraction of its range; 0 without a range."""
    return ratio(part(open_, high, low, close), high - low, flat=0.0)


def over_close(price: Series, close: Series) -> Series:
    """Return another price of the bar relative to its close."""
    return price / close


def typical_price_over_close(high: Series, low: Series, close: Series) -> Series:
    """Return the typical price, as a substitute for the volume-weighted one, against the close."""
    return (high + low + close) / 3 / close


FEATURES = (
    feature("a158_kmid", partial(over_open, part=body), 1, "(close − open) / open"),
    feature("a158_klen", partial(over_open, part=length), 1, "(high − low) / open"),
    feature("a158_kmid2", partial(over_range, part=body), 1, "(close − open) / (high − low)"),
    feature("a158_kup", partial(over_open, part=upper_shadow), 1, "(high − max(open, close)) / open"),
    feature(
        "a158_kup2", partial(over_range, part=upper_shadow), 1, "(high − max(open, close)) / (high − low)"
    ),
    feature("a158_klow", partial(over_open, part=lower_shadow), 1, "(min(open, close) − low) / open"),
    feature(
        "a158_klow2", partial(over_range, part=lower_shadow), 1, "(min(open, close) − low) / (high − low)"
    ),
    feature("a158_ksft", partial(over_open, part=shift), 1, "(2 close − high − low) / open"),
    feature("a158_ksft2", partial(over_range, part=shift), 1, "(2 close − high − low) / (high − low)"),
    feature("a158_open_0", over_close, 1, "open / close", inputs=("open", "close")),
    feature("a158_high_0", over_close, 1, "high / close", inputs=("high", "close")),
    feature("a158_low_0", over_close, 1, "low / close", inputs=("low", "close")),
    feature("a158_vwap_0", typical_price_over_close, 1, "(high + low + close) / 3 / close"),
    *windows.FEATURES,
)
