"""What the features slice hands on: the declaration of a feature, and the matrix of their values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Days, Mask
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


@dataclass(frozen=True)
class FeatureMatrix:
    """Values of the named features, in the registry's order, as a model is handed them. NaN is missing."""

    sessions: Days
    symbols: NDArray[np.str_]
    names: tuple[str, ...]
    values: Values
    feature_set: str  # fingerprint of the names, their versions and windows, in order

    def rows(self, mask: Mask) -> NDArray[np.float32]:
        """Return one row per marked (session, symbol), session by session, and one column per feature."""
        return np.ascontiguousarray(self.values[:, mask].T)

    def of_session(self, row: int) -> NDArray[np.float32]:
        """Return symbols × features of one session."""
        return np.ascontiguousarray(self.values[:, row, :].T)
