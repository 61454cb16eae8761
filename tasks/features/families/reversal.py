"""The largest falls over days or weeks, relative to peers, tend to reverse: they reflect forced selling."""

from functools import partial

from tasks.features.engine.arithmetic import ratio
from tasks.features.engine.rolling import rolling_mean, rolling_sum
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family
from tasks.features.families.returns import change

feature = Family("reversal")


def reversal(close: Series, *, sessions: int) -> Series:
    """Return the negative return over the last sessions."""
    return -change(close, sessions=sessions)


def reversal_on_volume(returns: Series, volume: Series, *, sessions: int, window: int) -> Series:
    """Return the negative return, days weighted by relative volume (Campbell, Grossman and Wang 1993)."""
    return ratio(-rolling_sum(returns * volume, sessions), rolling_mean(volume, window), flat=0.0)


FEATURES = (
    feature(
        "reversal_5", partial(reversal, sessions=5), 6, "1 − close / close 5 ago", "sector_rank", version=2
    ),
    feature(
        "reversal_5_neutral",
        partial(reversal, sessions=5),
        6,
        "1 − close / close 5 ago",
        "neutral_rank",
        version=2,
    ),
    feature(
        "reversal_21_in_sector",
        partial(reversal, sessions=21),
        22,
        "1 − close / close 21 ago",
        "sector_rank",
        version=2,
    ),
    feature(
        "reversal_on_volume_5",
        partial(reversal_on_volume, sessions=5, window=63),
        63,
        "− Σ return × volume over 5 sessions / mean volume of 63; 0",
    ),
)
