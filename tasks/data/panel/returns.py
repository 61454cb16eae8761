"""Daily returns of price levels: the one definition that regime, risk and safety share."""

import numpy as np

from tasks.data.schema.records import Matrix


def daily_returns(level: Matrix) -> Matrix:
    """Return simple returns from the row before, in the shape of `level` (sessions first).

    The first row is NaN, and so is every return where either level is missing or not positive.
    """
    priced = np.where(np.isfinite(level) & (level > 0), level, np.nan)
    change: Matrix = np.full_like(priced, np.nan)
    change[1:] = priced[1:] / priced[:-1] - 1
    return change
