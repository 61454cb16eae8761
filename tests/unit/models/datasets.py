"""Rows to learn from, made up: no panel, no features, no market."""

import numpy as np

from tasks.models.training.dataset import Dataset
from tasks.models.training.splits import Positions
from tasks.models.training.walkforward import sampled_sessions

ALL = 10**6  # a session after all that these rows know


def make_data(
    sampled: Positions | None = None, *, names: int = 3, features: int = 4, label: int = 21, seed: int = 0
) -> Dataset:
    """Return one row a session and name; its label ends between the next session and `label` sessions later.

    Features are ranks that foretell nothing.
    """
    rng = np.random.default_rng(seed)
    positions = sampled_sessions(0, 399, every=5, origin=0) if sampled is None else sampled
    sessions, symbols = np.repeat(positions, names), np.tile(np.arange(names), len(positions))
    forward = rng.normal(0, 0.03, len(sessions))
    return Dataset(
        features=tuple(f"feature_{number}" for number in range(features)),
        feature_set="f" * 64,
        sessions=sessions,
        symbols=symbols,
        x=rng.random((len(sessions), features)).astype(np.float32),
        target=np.clip(forward, -0.5, 0.5),
        label_end=(sessions + rng.integers(1, label + 1, len(sessions))).astype(np.int32),
        forward=forward,
    )
