"""Put scores in order, and refuse those that say nothing. Never looks at prices, weights or the book."""

import numpy as np
import pandas as pd

from tasks.core.errors import ModelError

REMEDY = "Look at the session's features with `afterclose data status`; if they are sound, run `afterclose weekly`."


def ranked(scores: pd.Series, *, ranks: bool) -> pd.DataFrame:
    """Return score and rank (1 is best, equals share the better rank) by symbol.

    With `ranks` the scores must differ: one that is no number, or the same for all, is no opinion to trade on.
    """
    if scores.empty:
        raise ModelError("No name of the universe could be scored.", remedy=REMEDY)
    without = scores.index[~np.isfinite(scores.to_numpy())]
    if len(without):
        raise ModelError(
            f"The champion gives {len(without)} of {len(scores)} names, {without[0]} among them, a score that is no"
            " number.",
            remedy=REMEDY,
            symbols=list(without[:20]),
        )
    if ranks and len(scores) > 1 and scores.max() == scores.min():
        raise ModelError(f"The champion gives all {len(scores)} names the same score.", remedy=REMEDY)
    return pd.DataFrame({"score": scores, "rank": scores.rank(ascending=False, method="min").astype("int64")})
