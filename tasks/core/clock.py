"""The only place that reads the time. Everyone else is handed `as_of`."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


def stopwatch() -> float:
    """Return seconds on a clock that only moves forward, to time a stage."""
    return time.perf_counter()
