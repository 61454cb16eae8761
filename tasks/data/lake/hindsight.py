"""Read past sessions as they were corrected later: every reader in the block sees rows that became known afterwards.

A row counts by the day that it is about instead of the session at which it was known. Only a replay on revised data
uses this; what is later than the session is not visible either way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_active: ContextVar[bool] = ContextVar("hindsight", default=False)


@contextmanager
def hindsight() -> Iterator[None]:
    """Make the readers of the lake see corrections that became known later, until the block ends."""
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)


def has_hindsight() -> bool:
    """Return whether the current code runs inside `hindsight`."""
    return _active.get()
