"""Weekly looks of the selection on synthetic ICs of candidates without skill; needs no market and no model.

Each candidate has one IC a session; its labels overlap, and candidates are correlated. Every month all models are
retrained, which redraws part of their ICs, for past sessions too: three seeds of lightgbm had t = 3.05, 3.85 and
3.33 on the same folds, a deviation of 0.4.
"""

import numpy as np

from tasks.models.training.inference import estimate
from tasks.models.training.walkforward import BLOCK
from tasks.selection.choice import NEAR_TIE

CANDIDATES, CORRELATION, KEPT = 6, 0.6, 0.84  # KEPT: part of the variance that a retraining leaves
SELECTING, CONFIRMING, HORIZON, WEEK = 252, 504, 5, 5


def week_ts(seed: int, *, weeks: int, skill: float = 0.0) -> np.ndarray:
    """Return the t, on the confirmation sessions, of the candidate that each week selects; −inf if none is eligible.

    `skill`: the mean IC of every candidate, in deviations of one session.
    """
    rng = np.random.default_rng(seed)
    count = SELECTING + CONFIRMING + WEEK * weeks + BLOCK
    lasting = _series(rng, count)
    found = np.full(weeks, -np.inf)
    month, series = -1, lasting
    for week in range(weeks):
        end = SELECTING + CONFIRMING + WEEK * week
        if (end - SELECTING - CONFIRMING) // BLOCK != month:
            month = (end - SELECTING - CONFIRMING) // BLOCK
            series = np.sqrt(KEPT) * lasting + np.sqrt(1 - KEPT) * _series(rng, count) + skill
        start = month * BLOCK
        middle = start + SELECTING
        earlier = [estimate(each[start:middle], overlap=HORIZON) for each in series]
        ts = np.array([each.t if each.mean > 0 else -np.inf for each in earlier])
        if np.isfinite(ts).any():
            selected = int(np.argmax(ts >= ts.max() - NEAR_TIE))
            found[week] = estimate(series[selected, middle:end], overlap=HORIZON).t
    return found


def _series(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return the ICs of all candidates by session, with deviation 1: candidates × sessions."""
    shape = (CANDIDATES, count + HORIZON - 1)
    noise = np.sqrt(CORRELATION) * rng.normal(size=shape[1]) + np.sqrt(1 - CORRELATION) * rng.normal(
        size=shape
    )
    kernel = np.ones(HORIZON) / np.sqrt(HORIZON)
    return np.array([np.convolve(each, kernel, mode="valid") for each in noise])
