"""Limit linear algebra to one thread, so that its results are bit-identical on any number of cores."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Limit NumPy's linear algebra to one thread within a block."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limited


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # finding the libraries takes two milliseconds
