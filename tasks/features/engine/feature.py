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
    """One feature, declared. The function gets exactly the inputs that are named here, in their order.

    `window` counts the rows of bars, today's included, that one value depends on: neither more nor fewer.
    `version` goes up whenever the same bars would give another value. `transform` is the cross-sectional form
    over the session's members that a model is handed: rank (0–1), zscore (winsorised), sector_rank (distance to
    the sector's median, then ranked), neutral_rank (what sector, size and beta leave unexplained of the rank, then
    ranked) or none.
    """

    name: str
    family: str
    function: Callable[..., Series]
    inputs: tuple[str, ...]
    window: int
    description: str
    transform: Transform = "rank"
    version: int = 1
