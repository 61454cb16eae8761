"""Returns over the last sessions, from one day to one month."""

from functools import partial

from tasks.features.engine.rolling import lag
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("returns")


def change(close: Series, *, sessions: int, skip: int = 0) -> Series:
    """Return the total return over `sessions`, ending `skip` sessions ago."""
    return lag(close, skip) / lag(close, sessions + skip) - 1


FEATURES = tuple(
    feature(f"return_{n}", partial(change, sessions=n), n + 1, f"close / close {n} ago − 1")
    for n in (1, 2, 3, 5, 10, 20, 21)
)
