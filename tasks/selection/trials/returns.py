"""The out-of-sample returns of a trial: top fifth by score minus all tested names, session by session, before costs.

Each session's top fifth is bought at the entry and held over the horizon, so that the number of overlapping portfolios
equals the horizon in sessions (Jegadeesh and Titman 1993). Unlike forward returns, their mean return in one session
does not overlap with the next session's.
"""

import numpy as np
import pandas as pd

from tasks.data.schema.records import Matrix, Panel
from tasks.features.labels import Entry
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.metrics import QUANTILES, Labels, Vector


def best_fifth_returns(
    panel: Panel, tested: OutOfSample, scores: Vector, *, horizon: int, entry: Entry, neutral: bool = True
) -> pd.Series:
    """Return the mean return of the top fifth by score minus the mean of all tested names, by session.

    `scores` has one entry for each row of `tested`. Only sessions on which all overlapping portfolios are held are
    returned. Constant scores have no top fifth: their returns are 0.
    """
    data = tested.data
    if not len(scores):
        return pd.Series([], index=pd.DatetimeIndex([]), dtype=np.float64)
    first, count = int(data.sessions[0]), int(data.sessions[-1] - data.sessions[0]) + 1
    weights = np.zeros((count, len(panel.symbols)))
    row_weights = _weights(data.sessions - first, scores)
    weights[data.sessions - first, data.symbols] = (
        tested.controls.cleaned(row_weights) if neutral else row_weights
    )
    opening = entry == "next_open"
    lag = 1 if opening else 2  # sessions from the decision to the first return
    days = np.arange(first + horizon - 1 + lag, min(first + count + lag, len(panel.sessions)))
    total = np.zeros(len(days))
    overnight, intraday = _changes(panel, days)
    for age in range(lag, lag + horizon):
        held = weights[days - age - first]
        total += (held * (intraday if opening and age == lag else overnight)).sum(axis=1)
    return pd.Series(total / horizon, index=pd.DatetimeIndex(panel.sessions[days]), dtype=np.float64)


def _weights(sessions: Labels, scores: Vector) -> Vector:
    """Return one over the number of the best of the session for these, less one over the number of all names."""
    frame = pd.Series(scores).groupby(sessions)
    names = frame.transform("size").to_numpy(dtype=np.float64)
    is_best = ((frame.rank().to_numpy() - 0.5) / names) >= 1 - 1 / QUANTILES
    best = np.bincount(sessions, weights=is_best)[sessions]
    return np.where(best > 0, is_best / np.maximum(best, 1) - 1 / names, 0.0)


def _changes(panel: Panel, days: Labels) -> tuple[Matrix, Matrix]:
    """Return the returns of these sessions from the last close and from the open; 0 without a bar."""
    close = pd.DataFrame(panel.close).ffill().to_numpy()
    from_close, from_open = (close[days] / base - 1 for base in (close[days - 1], panel.open[days]))
    return np.nan_to_num(from_close), np.nan_to_num(from_open)
