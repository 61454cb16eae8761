"""Turn features and labels into the rows that models learn from: one row per member and sampled session.

A label never stands among the features. A row whose following return is not known is no row; one without a target, for
nothing happened that it would name, is tested and not learned. Never decides which sessions are trained on: that is
`walkforward.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix
from tasks.features.labels import Labels
from tasks.features.schema import FeatureMatrix
from tasks.models.kinds.base import Rows, Vector
from tasks.models.training.walkforward import Positions

LEAST_PRESENT_FRAC = (
    0.5  # a row with fewer of its features than this says too little to learn from or to score
)


@dataclass(frozen=True)
class Dataset:
    """Rows ordered by session, then symbol. `sessions` are positions in the panel."""

    features: tuple[str, ...]
    feature_set: str
    sessions: Positions  # of each row
    symbols: NDArray[np.intp]
    x: Rows
    target: Vector  # between −0.5 and 0.5; NaN where the row has none
    label_end: NDArray[np.int32]  # the last session that the row's target depends on
    forward: Vector  # return over the shortest label, what scores are measured against

    def rows_of(self, sessions: Positions) -> slice:
        """Return where the rows of these sessions lie: sampled sessions in a row, so one block."""
        if not sessions.size:
            return slice(0, 0)
        start = int(np.searchsorted(self.sessions, sessions[0], side="left"))
        return slice(start, int(np.searchsorted(self.sessions, sessions[-1], side="right")))

    def training_rows(self, sessions: Positions, *, known_before: int) -> NDArray[np.intp]:
        """Return the rows of these sessions that can be learned: with a target that ended before that session."""
        block = self.rows_of(sessions)
        rows = np.arange(block.start, block.stop)
        return rows[np.isfinite(self.target[rows]) & (self.label_end[rows] < known_before)]

    @property
    def sampled(self) -> Positions:
        """Return the sessions that have rows."""
        return np.unique(self.sessions)


def make_dataset(
    features: FeatureMatrix, target: Labels, forward: Matrix, is_member: Mask, sampled: Positions
) -> Dataset:
    """Collect the members of the sampled sessions whose following return is known and that have enough features."""
    rows: Mask = np.zeros(is_member.shape, dtype=bool)
    rows[sampled] = is_member[sampled] & np.isfinite(forward[sampled])
    sessions, symbols = np.nonzero(rows)
    x = features.rows(rows)
    enough = has_enough(x)
    return Dataset(
        features=features.names,
        feature_set=features.feature_set,
        sessions=sessions[enough],
        symbols=symbols[enough],
        x=x[enough],
        target=target.values[rows][enough],
        label_end=target.end_row[rows][enough],
        forward=forward[rows][enough],
    )


def has_enough(x: Rows) -> NDArray[np.bool_]:
    """Mark the rows with enough features present."""
    present = np.isfinite(x).mean(axis=1) if x.shape[1] else np.zeros(len(x))
    return np.asarray(present >= LEAST_PRESENT_FRAC)
