"""Rank the scores of a session, and reject unusable ones."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.errors import ModelError

REMEDY = "Check the session's data with `afterclose data status`; if it is complete, run `afterclose weekly`."


def are_usable(scores: NDArray[np.float64], *, ranks: bool) -> bool:
    """Return whether these scores can be used for a decision; if not, the session has no proposed trades."""
    if not len(scores) or not np.isfinite(scores).all():
        return False
    return not ranks or len(scores) == 1 or bool(scores.max() != scores.min())


def ranked(scores: pd.Series, *, ranks: bool) -> pd.DataFrame:
    """Return score and rank by symbol (1 is best; equal scores share the better rank).

    Raises ModelError for unusable scores: none, one that is not finite and, with `ranks`, if all are equal.
    """
    if are_usable(scores.to_numpy(dtype=np.float64), ranks=ranks):
        rank = scores.rank(ascending=False, method="min").astype("int64")
        return pd.DataFrame({"score": scores, "rank": rank})
    if scores.empty:
        raise ModelError("No member of the universe could be scored.", remedy=REMEDY)
    without = scores.index[~np.isfinite(scores.to_numpy())]
    if len(without):
        raise ModelError(
            f"The champion's scores of {len(without)} of {len(scores)} names, including {without[0]},"
            " are not numbers.",
            remedy=REMEDY,
            symbols=list(without[:20]),
        )
    raise ModelError(f"The champion gives all {len(scores)} names the same score.", remedy=REMEDY)
