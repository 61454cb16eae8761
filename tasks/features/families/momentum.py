"""Returns over months tend to continue, more so after a steady rise."""

from functools import partial

from tasks.features.engine.arithmetic import sign
from tasks.features.engine.rolling import rolling_mean
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family
from tasks.features.families.returns import change

MONTH, HALF_YEAR, YEAR = 21, 126, 252

feature = Family("momentum")

momentum_12m = partial(change, sessions=YEAR - MONTH, skip=MONTH)


def acceleration(close: Series, *, sessions: int) -> Series:
    """Return the latest return less the one over the same number of sessions before."""
    return change(close, sessions=sessions) - change(close, sessions=sessions, skip=sessions)


def information_discreteness(close: Series, returns: Series, *, window: int) -> Series:
    """Return the information discreteness of a move (Da, Gurun and Warachka 2014): low if made in small steps."""
    rises_less_falls = rolling_mean(sign(returns), window)
    return -sign(change(close, sessions=window)) * rises_less_falls


FEATURES = (
    *(
        feature(
            f"momentum_{months}m",
            partial(change, sessions=sessions, skip=MONTH),
            sessions + MONTH + 1,
            f"close {MONTH} ago / close {sessions + MONTH} ago − 1",
        )
        for months, sessions in ((1, MONTH), (3, 63), (6, HALF_YEAR), (12, YEAR - MONTH))
    ),
    feature(
        "momentum_12m_in_sector",
        momentum_12m,
        YEAR + 1,
        "close 21 ago / close 252 ago − 1",
        "sector_rank",
        version=2,
    ),
    feature(
        "momentum_12m_neutral",
        momentum_12m,
        YEAR + 1,
        "close 21 ago / close 252 ago − 1",
        "neutral_rank",
        version=2,
    ),
    feature(
        "momentum_7_12m",
        partial(change, sessions=HALF_YEAR, skip=HALF_YEAR),
        YEAR + 1,
        "close 126 ago / close 252 ago − 1",
    ),
    feature(
        "momentum_acceleration",
        partial(acceleration, sessions=HALF_YEAR),
        YEAR + 1,
        "close / close 126 ago − close 126 ago / close 252 ago",
    ),
    feature(
        "information_discreteness_252",
        partial(information_discreteness, window=YEAR),
        YEAR + 1,
        "sign(close / close 252 ago − 1) × (share of falls − share of rises among 252 returns)",
    ),
    feature("roc_63", partial(change, sessions=63), 64, "close / close 63 ago − 1, the rate of change"),
)
