"""Build the rows for training, of sampled sessions, and for testing, of all: one row per member and session.

Rows without a known forward return are omitted. Rows without a target are tested but not trained on. `walkforward`
decides which sessions are trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix
from tasks.features.labels import Labels
from tasks.features.schema import FeatureMatrix
from tasks.models.kinds.base import Rows, Vector
from tasks.models.training.controls import Controls
from tasks.models.training.metrics import Metrics, metrics_of, session_neutral_ics
from tasks.models.training.splits import Positions, Spans

BY_ROW = ("sessions", "symbols", "x", "target", "label_end", "forward")
LEAST_PRESENT_FRAC = 0.5  # a row with fewer features than this is neither trained on nor scored


@dataclass(frozen=True)
class Dataset:
    """Rows ordered by session, then symbol. `sessions` are positions in the panel."""

    features: tuple[str, ...]
    feature_set: str
    sessions: Positions  # of each row
    symbols: NDArray[np.intp]
    x: Rows
    target: Vector  # around zero; NaN where the row has none
    label_end: NDArray[np.int32]  # the last session that the target depends on
    forward: Vector  # return over the shortest horizon, which scores are compared with

    def rows_of(self, sessions: Positions) -> slice:
        """Return the rows of these consecutive sampled sessions, as one block."""
        if not sessions.size:
            return slice(0, 0)
        start = int(np.searchsorted(self.sessions, sessions[0], side="left"))
        return slice(start, int(np.searchsorted(self.sessions, sessions[-1], side="right")))

    def rows_in(self, blocks: Sequence[Positions]) -> slice | NDArray[np.intp]:
        """Return the rows of several blocks of consecutive sessions."""
        if len(blocks) == 1:
            return self.rows_of(blocks[0])
        parts = [self.rows_of(block) for block in blocks]
        return np.concatenate([np.arange(part.start, part.stop) for part in parts])

    def training_rows(self, sessions: Positions, closed: Spans) -> NDArray[np.intp]:
        """Return the rows of these sessions with a target that touches no closed span (see `splits`)."""
        rows = np.flatnonzero(np.isin(self.sessions, sessions) & np.isfinite(self.target))
        return rows[~closed.touched_by(self.sessions[rows], self.label_end[rows])]

    @property
    def sampled(self) -> Positions:
        """The sessions that have rows."""
        return np.unique(self.sessions)


@dataclass(frozen=True)
class OutOfSample:
    """The rows of every session of the test windows, and how scores of them are measured."""

    data: Dataset
    controls: Controls
    overlap: int  # horizon of the returns in sessions

    def of_sessions(self, sessions: Positions) -> "OutOfSample":
        """Return the rows of these consecutive tested sessions."""
        rows = self.data.rows_of(sessions)
        by_row = {name: getattr(self.data, name)[rows] for name in BY_ROW}
        return replace(self, data=replace(self.data, **by_row), controls=self.controls.of(rows))

    def neutral_ics(self, scores: Vector, rows: slice) -> Vector:
        """Return the neutral IC of each session; the rows must be whole sessions."""
        data = self.data
        return session_neutral_ics(scores, data.forward[rows], data.sessions[rows], self.controls.of(rows))

    def measure(self, scores: Vector, rows: slice | NDArray[np.intp]) -> Metrics:
        """Return the metrics of the scores of these rows, which must be whole sessions."""
        data = self.data
        return metrics_of(
            scores,
            data.forward[rows],
            data.sessions[rows],
            overlap=self.overlap,
            controls=self.controls.of(rows),
        )


def make_dataset(
    features: FeatureMatrix, target: Labels, forward: Matrix, is_member: Mask, sampled: Positions
) -> Dataset:
    """Return the members of the sampled sessions with a known forward return and enough features."""
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
    """Return which rows have enough features."""
    present = np.isfinite(x).mean(axis=1) if x.shape[1] else np.zeros(len(x))
    return np.asarray(present >= LEAST_PRESENT_FRAC)
