"""A model together with the features it was made for: the only way in which scores are given.

Refuses rows of any other features, or in another order, and says which differ.
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
    """A model that has learned, and what it learned from."""

    kind: str
    features: tuple[str, ...]
    model: Model

    def score(self, frame: pd.DataFrame) -> pd.Series:
        """Return the score of every row that can be scored, in the frame's order (index symbol)."""
        refuse_other_features(tuple(frame.columns), trained_on=self.features)
        x = as_rows(frame)
        needed = [self.features.index(name) for name in self.model.required]
        can = (
            has_enough(x) & np.isfinite(x[:, needed]).all(axis=1)
            if self.model.ranks
            else np.ones(len(x), bool)
        )
        scores = self.model.predict(np.ascontiguousarray(x[can]))
        return pd.Series(scores, index=frame.index[can], name="score")


def as_rows(frame: pd.DataFrame) -> Rows:
    """Return the frame as every model sees it, in training and in scoring alike."""
    return np.ascontiguousarray(frame.to_numpy(dtype=np.float32))


def refuse_other_features(given: Sequence[str], *, trained_on: Sequence[str]) -> None:
    """Raise ModelError unless names and order are those of the training."""
    if tuple(given) == tuple(trained_on):
        return
    lacking = [name for name in trained_on if name not in set(given)]
    unknown = [name for name in given if name not in set(trained_on)]
    told = [text for text in (_told("without", lacking), _told("with the unknown", unknown)) if text]
    raise ModelError(
        f"The features differ from those the champion was trained on: {' and '.join(told) or 'in another order'}.",
        remedy="Run `afterclose weekly` to train on the present features, or bring back the code that trained it.",
        lacking=lacking,
        unknown=unknown,
    )


def _told(how: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return f"{how} {', '.join(names[:NAMED_AT_MOST])}{more}"
