"""Distance from the 52-week high, a price that investors remember, and the time since that high."""

from functools import partial

from tasks.features.engine.rolling import rolling_max, rolling_min, sessions_since_max
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

YEAR = 252

feature = Family("52-week high")


def distance_to_high(close: Series, high: Series, *, window: int) -> Series:
    """Return the distance of the close below the window's high, 0 at the high."""
    return close / rolling_max(high, window) - 1


def distance_to_low(close: Series, low: Series, *, window: int) -> Series:
    """Return the distance of the close above the window's low, 0 at the low."""
    return close / rolling_min(low, window) - 1


def recency_of_high(high: Series, *, window: int) -> Series:
    """Return the recency of the window's high (Bhootra and Hur 2013), 1 for the current session."""
    return 1 - sessions_since_max(high, window) / window


FEATURES = (
    feature(
        "distance_52w_high",
        partial(distance_to_high, window=YEAR),
        YEAR,
        "close / highest high of 252 sessions − 1",
    ),
    feature(
        "distance_52w_high_neutral",
        partial(distance_to_high, window=YEAR),
        YEAR,
        "close / highest high of 252 sessions − 1",
        "neutral_rank",
        version=2,
    ),
    feature(
        "distance_52w_low",
        partial(distance_to_low, window=YEAR),
        YEAR,
        "close / lowest low of 252 sessions − 1",
    ),
    feature(
        "recency_52w_high",
        partial(recency_of_high, window=YEAR),
        YEAR,
        "1 − sessions since the highest high of 252 sessions / 252, the oldest if tied",
    ),
)
