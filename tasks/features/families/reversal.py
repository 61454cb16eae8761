"""What fell most over days or weeks, against its like, tends to come back: somebody had to sell."""

from functools import partial

from tasks.data.schema import Matrix
from tasks.features.families.declaration import Family
from tasks.features.families.returns import change
from tasks.features.rolling import ratio, rolling_mean, rolling_sum

feature = Family("reversal")


def reversal(close: Matrix, *, sessions: int) -> Matrix:
    """Return the loss over the last sessions."""
    return -change(close, sessions=sessions)


def reversal_on_volume(returns: Matrix, volume: Matrix, *, sessions: int, window: int) -> Matrix:
    """Return the loss, each day counting by its volume against the usual (Campbell, Grossman and Wang 1993)."""
    return ratio(-rolling_sum(returns * volume, sessions), rolling_mean(volume, window), flat=0.0)


FEATURES = (
    feature("reversal_5", partial(reversal, sessions=5), 6, "1 − close / close 5 ago", "sector_rank"),
    feature(
        "reversal_5_neutral", partial(reversal, sessions=5), 6, "1 − close / close 5 ago", "neutral_rank"
    ),
    feature(
        "reversal_21_in_sector", partial(reversal, sessions=21), 22, "1 − close / close 21 ago", "sector_rank"
    ),
    feature(
        "reversal_on_volume_5",
        partial(reversal_on_volume, sessions=5, window=63),
        63,
        "− Σ return × volume over 5 sessions / mean volume of 63; 0",
    ),
)
