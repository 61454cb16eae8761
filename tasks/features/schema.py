"""The output of the features slice: the matrix of feature values."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Days, Mask
from tasks.features.engine.feature import Values


@dataclass(frozen=True)
class FeatureMatrix:
    """Values of the named features (features × sessions × symbols), as models take them. NaN is missing."""

    sessions: Days
    symbols: NDArray[np.str_]
    names: tuple[str, ...]
    values: Values
    feature_set: str  # hash of the names, their versions and windows, in order

    def rows(self, mask: Mask) -> NDArray[np.float32]:
        """Return one row per True cell of sessions × symbols, by session, and one column per feature."""
        return np.ascontiguousarray(self.values[:, mask].T)

    def of_sessions(self, rows: slice) -> "FeatureMatrix":
        """Return the matrix of these sessions, as a view."""
        return replace(self, sessions=self.sessions[rows], values=self.values[:, rows])

    def of_session(self, row: int) -> NDArray[np.float32]:
        """Return symbols × features of one session."""
        return np.ascontiguousarray(self.values[:, row, :].T)
