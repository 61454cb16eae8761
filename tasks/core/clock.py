"""The only module that reads the clock. All others receive `as_of`."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def stopwatch() -> float:
    """Return seconds on a monotonic clock, to time a stage."""
    return time.perf_counter()
