"""Sample weights of training rows: equal per session, optionally less for old rows and overlapping labels.

Computed from the rows of one fold only: age counts from the last session among them.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.models.kinds.base import Vector
from tasks.models.training.splits import Positions

Scheme = Literal["equal", "time_decay", "uniqueness", "combined"]


def sample_weights(
    sessions: Positions,
    symbols: NDArray[np.intp],
    label_end: NDArray[np.int32],
    *,
    scheme: Scheme,
    half_life_sessions: int,
) -> Vector:
    """Return one weight per row, with mean 1; empty for no rows."""
    weights = session_weights(sessions)
    if scheme == "equal" or not len(weights):
        return weights
    if scheme != "uniqueness":
        weights *= time_decay(sessions, half_life_sessions)
    if scheme != "time_decay":
        weights *= uniqueness(sessions, symbols, label_end)
    return np.asarray(weights / weights.mean())


def session_weights(sessions: Positions) -> Vector:
    """Return weights that give every session the same total; the mean weight is 1."""
    _, inverse, counts = np.unique(sessions, return_inverse=True, return_counts=True)
    return np.asarray(len(sessions) / max(len(counts), 1) / counts[inverse], dtype=np.float64)


def time_decay(sessions: Positions, half_life_sessions: int) -> Vector:
    """Return 1 for the last session, halved for every `half_life_sessions` before it."""
    return np.asarray(0.5 ** ((sessions.max() - sessions) / half_life_sessions), dtype=np.float64)


def uniqueness(sessions: Positions, symbols: NDArray[np.intp], label_end: NDArray[np.int32]) -> Vector:
    """Return the average uniqueness of each label: 1 if no other label of the symbol overlaps it.

    A label spans the sessions after its own up to its end. A session counts 1 / the number of the symbol's labels that
    span it; the row's value is the mean (López de Prado, Advances in Financial Machine Learning, 2018, chapter 4).
    """
    start, end = sessions - sessions.min(), label_end - sessions.min()
    changes = np.zeros((symbols.max() + 1, end.max() + 2), dtype=np.int32)
    np.add.at(changes, (symbols, start + 1), 1)
    np.add.at(changes, (symbols, end + 1), -1)
    labels = np.cumsum(changes, axis=1, dtype=np.int32)
    shares = np.cumsum(1.0 / np.maximum(labels, 1), axis=1)
    return np.asarray((shares[symbols, end] - shares[symbols, start]) / (end - start))
