"""The only module that reads the clock. All others receive `as_of`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_set: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the current time in UTC."""
    return _set.get() or datetime.now(UTC)


@contextmanager
def clock_set_to(at: datetime) -> Iterator[None]:
    """Let `now` return this instant while the block runs. For the demo, whose days are in the past."""
    token = _set.set(at)
    try:
        yield
    finally:
        _set.reset(token)


def stopwatch() -> float:
    """Return seconds on a monotonic clock, to time a stage."""
    return time.perf_counter()
