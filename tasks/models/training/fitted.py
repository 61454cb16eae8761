"""A trained model with its features: scores are computed only through it.

Other features, or another order, raise ModelError with the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.core.errors import ModelError
from tasks.models.kinds.base import Model, Rows
from tasks.models.training.dataset import has_enough

NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Fitted:
    """A trained model with its kind and features."""

    kind: str
    features: tuple[str, ...]
    model: Model

    def score(self, frame: pd.DataFrame) -> pd.Series:
        """Return the score of every row with enough features, in the frame's order (index symbol)."""
        refuse_other_features(tuple(frame.columns), trained_on=self.features)
        x = as_rows(frame)
        needed = [self.features.index(name) for name in self.model.required]
        can = (
            has_enough(x) & np.isfinite(x[:, needed]).all(axis=1)
            if self.model.ranks
            else np.ones(len(x), bool)
        )
        if not can.any():  # boosters reject an empty matrix
            return pd.Series([], index=frame.index[:0], name="score", dtype=np.float64)
        scores = self.model.predict(np.ascontiguousarray(x[can]))
        return pd.Series(scores, index=frame.index[can], name="score")

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame | None:
        """Return what each feature adds to each row's score, columns by feature; None if the kind cannot state it.

        The frame may hold any rows that `score` scores. A gap adds what the model makes of it.
        """
        refuse_other_features(tuple(frame.columns), trained_on=self.features)
        if frame.empty:
            return pd.DataFrame(index=frame.index, columns=list(self.features), dtype=np.float64)
        parts = self.model.contributions(as_rows(frame))
        return None if parts is None else pd.DataFrame(parts[:, :-1], frame.index, list(self.features))


def as_rows(frame: pd.DataFrame) -> Rows:
    """Return the frame as the model input, in training and in scoring."""
    return np.ascontiguousarray(frame.to_numpy(dtype=np.float32))


def refuse_other_features(given: Sequence[str], *, trained_on: Sequence[str]) -> None:
    """Raise ModelError unless names and order equal the training's."""
    if tuple(given) == tuple(trained_on):
        return
    lacking = [name for name in trained_on if name not in set(given)]
    unknown = [name for name in given if name not in set(trained_on)]
    found = [text for text in (_named("without", lacking), _named("with unknown features", unknown)) if text]
    raise ModelError(
        f"The features differ from those the champion was trained on: {' and '.join(found) or 'in another order'}.",
        remedy="Run `afterclose weekly` to train on the current features, or return to the code that trained it.",
        lacking=lacking,
        unknown=unknown,
    )


def _named(how: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return f"{how} {', '.join(names[:NAMED_AT_MOST])}{more}"
