"""Loops over daily returns with gaps, compiled: count what is known, fill what is missing.

Imported when risk is estimated, since the compiler takes a third of a second to load.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.core.compiled import compiled
from tasks.data.schema.records import Matrix

Counts = NDArray[np.int64]
Returns = NDArray[np.float64]  # of one name, by session


@compiled
def count_returns(returns: Matrix) -> tuple[Counts, Counts]:
    """Return the number of finite returns of each name (column), and the number of those that are not zero."""
    sessions, names = returns.shape
    finite = np.zeros(names, dtype=np.int64)
    moved = np.zeros(names, dtype=np.int64)
    for session in range(sessions):
        for name in range(names):
            if np.isfinite(returns[session, name]):
                finite[name] += 1
                moved[name] += returns[session, name] != 0.0
    return finite, moved


@compiled
def fill_in_place(returns: Matrix) -> None:
    """Fill each gap with the session's common move, scaled to the name; the name's mean and variance do not change.

    Each loop runs over the names of one session, so that the processor adds several names at once.
    """
    sessions, names = returns.shape
    count, mean, deviation = np.zeros(names), np.zeros(names), np.zeros(names)
    for session in range(sessions):
        for name in range(names):
            is_known = np.isfinite(returns[session, name])
            count[name] += is_known
            mean[name] += returns[session, name] if is_known else 0.0
    gapped = np.flatnonzero(count < sessions)
    if not len(gapped):
        return
    mean /= count
    for session in range(sessions):
        for name in range(names):
            is_known = np.isfinite(returns[session, name])
            deviation[name] += (returns[session, name] - mean[name]) ** 2 if is_known else 0.0
    deviation = np.sqrt(deviation / count)
    common = np.zeros(sessions)  # 0 on a session without trades
    for session in range(sessions):
        traded = np.isfinite(returns[session]).sum()
        if traded == names:
            continue  # no gap to fill
        for name in range(names):
            is_known = np.isfinite(returns[session, name])
            common[session] += (returns[session, name] - mean[name]) / deviation[name] if is_known else 0.0
        common[session] /= max(traded, 1)
    for place in gapped:
        _fill_name(returns[:, place], common, mean[place], deviation[place])


@compiled
def _fill_name(returns: Returns, common: Returns, mean: float, deviation: float) -> None:
    filled = np.empty(len(returns))
    for session in range(len(returns)):
        is_known = np.isfinite(returns[session])
        filled[session] = (returns[session] - mean) / deviation if is_known else common[session]
    average, spread = filled.mean(), filled.std()
    for session in range(len(returns)):
        returns[session] = mean + deviation * (filled[session] - average) / spread
