"""What a share earned, over which stretch, and how far it stands from its own past. Higher is stronger."""

from functools import partial

from tasks.data.schema import Matrix
from tasks.features.rolling import lag, ratio, rolling_max, rolling_mean, rolling_min, rolling_sum
from tasks.features.schema import Feature

MONTH, YEAR = 21, 252


def change(close: Matrix, *, sessions: int, skip: int = 0) -> Matrix:
    """Return the total return over `sessions`, ending `skip` sessions ago."""
    return lag(close, skip) / lag(close, sessions + skip) - 1


def distance_to_high(close: Matrix, high: Matrix, *, window: int) -> Matrix:
    """Return how far the close lies below the window's high, 0 at the high."""
    return close / rolling_max(high, window) - 1


def distance_to_low(close: Matrix, low: Matrix, *, window: int) -> Matrix:
    """Return how far the close lies above the window's low, 0 at the low."""
    return close / rolling_min(low, window) - 1


def reversal(close: Matrix, *, sessions: int) -> Matrix:
    """Return the loss over the last sessions: what has fallen most tends to come back."""
    return -change(close, sessions=sessions)


def overnight_gap(open_: Matrix, close: Matrix) -> Matrix:
    """Return the opening against the close before."""
    return open_ / lag(close, 1) - 1


def demeaned_return(returns: Matrix, *, window: int) -> Matrix:
    """Return the day's return less its own mean."""
    return returns - rolling_mean(returns, window)


def volume_weighted_momentum(returns: Matrix, volume: Matrix, *, window: int) -> Matrix:
    """Return the mean return, each day counting by the shares that changed hands."""
    return ratio(rolling_sum(returns * volume, window), rolling_sum(volume, window), flat=0.0)


def largest_return(returns: Matrix, *, window: int) -> Matrix:
    """Return the best single day (Bali, Cakici and Whitelaw 2011): lottery tickets are dear."""
    return rolling_max(returns, window)


FEATURES = (
    *(
        Feature(
            f"return_{n}",
            "returns",
            partial(change, sessions=n),
            ("close",),
            n + 1,
            f"close / close {n} ago − 1",
        )
        for n in (1, 5, 10, MONTH)
    ),
    *(
        Feature(
            f"momentum_{months}m",
            "momentum",
            partial(change, sessions=sessions, skip=MONTH),
            ("close",),
            sessions + MONTH + 1,
            f"return over {sessions} sessions that ended {MONTH} sessions ago",
        )
        for months, sessions in ((1, MONTH), (3, 63), (6, 126), (12, YEAR - MONTH))
    ),
    Feature(
        "momentum_12m_in_sector",
        "momentum",
        partial(change, sessions=YEAR - MONTH, skip=MONTH),
        ("close",),
        YEAR + 1,
        "momentum_12m less the median of the sector",
        transform="sector_rank",
    ),
    Feature(
        "roc_63",
        "momentum",
        partial(change, sessions=63),
        ("close",),
        64,
        "rate of change: close / close 63 ago − 1",
    ),
    Feature(
        "distance_52w_high",
        "52-week high",
        partial(distance_to_high, window=YEAR),
        ("close", "high"),
        YEAR,
        "close / highest high of 252 sessions − 1",
    ),
    Feature(
        "distance_52w_low",
        "52-week high",
        partial(distance_to_low, window=YEAR),
        ("close", "low"),
        YEAR,
        "close / lowest low of 252 sessions − 1",
    ),
    Feature(
        "reversal_5",
        "reversal",
        partial(reversal, sessions=5),
        ("close",),
        6,
        "− return over 5 sessions, less the median of the sector",
        transform="sector_rank",
    ),
    Feature("overnight_gap", "gaps", overnight_gap, ("open", "close"), 2, "open / close before − 1"),
    Feature(
        "demeaned_return_60",
        "stationary",
        partial(demeaned_return, window=60),
        ("returns",),
        61,
        "return less its mean of 60 sessions",
    ),
    Feature(
        "volume_weighted_momentum_21",
        "stationary",
        partial(volume_weighted_momentum, window=MONTH),
        ("returns", "volume"),
        MONTH + 1,
        "Σ return × volume / Σ volume over 21 sessions",
    ),
    Feature(
        "max_return_21",
        "volatility",
        partial(largest_return, window=MONTH),
        ("returns",),
        MONTH + 1,
        "largest daily return of 21 sessions",
        transform="zscore",
    ),
)
