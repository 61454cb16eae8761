"""Compile loops with Numba and cache the machine code on disk.

A compiled function may call compiled functions of its own file only: the cache is invalidated when its file changes,
but not when another file does.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile at the first call, without the GIL, and cache the machine code on disk if possible."""
    try:
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy", cache=True))
    except RuntimeError:  # neither the package nor the user's cache is writable: compile in each process
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy"))
