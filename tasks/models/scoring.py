"""Rank the scores of a session, and reject unusable ones."""

import numpy as np
import pandas as pd

from tasks.core.errors import ModelError

REMEDY = "Check the session's data with `afterclose data status`; if it is complete, run `afterclose weekly`."


def ranked(scores: pd.Series, *, ranks: bool) -> pd.DataFrame:
    """Return score and rank by symbol (1 is best; equal scores share the better rank).

    Raises ModelError for no scores, for one that is not finite and, with `ranks`, if all scores are equal.
    """
    if scores.empty:
        raise ModelError("No member of the universe could be scored.", remedy=REMEDY)
    without = scores.index[~np.isfinite(scores.to_numpy())]
    if len(without):
        raise ModelError(
            f"The champion gives {len(without)} of {len(scores)} names, {without[0]} among them, a score that is not"
            " a number.",
            remedy=REMEDY,
            symbols=list(without[:20]),
        )
    if ranks and len(scores) > 1 and scores.max() == scores.min():
        raise ModelError(f"The champion gives all {len(scores)} names the same score.", remedy=REMEDY)
    return pd.DataFrame({"score": scores, "rank": scores.rank(ascending=False, method="min").astype("int64")})
