"""The declaration of one feature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine.series import Series

Transform = Literal["none", "rank", "zscore", "sector_rank", "neutral_rank"]
Values = NDArray[np.float32]  # features × sessions × symbols


@dataclass(frozen=True)
class Feature:
    """The declaration of one feature. The function gets the inputs named here, in their order.

    `window`: the exact number of rows, the current one included, that a value depends on. `version`: increased whenever
    the same bars give a different value. `transform`: the cross-sectional transform over the session's members: rank
    (0–1), zscore (winsorized), sector_rank (distance to the sector's median, ranked), neutral_rank (residual of the
    rank on sector, size and beta, ranked) or none.
    """

    name: str
    family: str
    function: Callable[..., Series]
    inputs: tuple[str, ...]
    window: int
    description: str
    transform: Transform = "rank"
    version: int = 1
