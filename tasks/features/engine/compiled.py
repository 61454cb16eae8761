"""Compile loops over histories, and keep the machine code on disk.

A compiled function calls only compiled functions of its own file: code kept on disk is renewed when its file changes,
and would not notice that another one did.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

History = NDArray[np.float64]  # of one symbol

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile at the first call, without Python's lock, and keep the machine code on disk where that can be done."""
    try:
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy", cache=True))
    except (
        RuntimeError
    ):  # neither the package's folder nor the user's cache can be written: compile in each process
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy"))
