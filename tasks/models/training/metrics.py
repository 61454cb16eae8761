"""Metrics of how well scores rank the returns that follow.

Each metric is computed per session over its cross-section and averaged over sessions, so that a rise of the whole
market does not count. Sessions must be at least one return horizon apart: then returns do not overlap, and a plain
t-statistic over sessions is valid. (Newey-West on every session gives nearly the same statistic for slow scores, at n
times the work, and rejects slightly too often on short samples.)
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Labels = NDArray[np.intp]

QUANTILES = 5
LEAST_NAMES = 10  # sessions with fewer scored names are omitted


@dataclass(frozen=True)
class Metrics:
    """Over all sessions of a window; coefficients between −1 and 1, returns as fractions of the shortest label."""

    rank_ic: float
    rank_ic_t: float
    ic: float
    icir: float  # mean over standard deviation of the sessions' rank ICs, not annualised
    hit_rate: float  # fraction of names on the same side of the median in score and return
    quantile_spread: float  # mean return of the best quintile less that of the worst
    monotonicity: (
        float  # rank correlation of quintile and mean return; 1 if each quintile beats the one below
    )
    sessions: int


def metrics_of(scores: Vector, returns: Vector, sessions: Labels) -> Metrics:
    """Return the metrics of scores against forward returns; the three arrays have one entry per row.

    Constant scores give 0. A NaN score makes every metric NaN. Without enough rows all are 0 (hit rate 0.5).
    """
    keep = _sessions_with_enough(sessions)
    score, follow, session = scores[keep], returns[keep], sessions[keep]
    if not len(score):
        return Metrics(0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0)
    _, group = np.unique(session, return_inverse=True)
    if not np.isfinite(score).all():
        nan = float("nan")
        return Metrics(nan, nan, nan, nan, nan, nan, nan, int(group.max()) + 1)
    score_rank, return_rank = _ranks(score, group), _ranks(follow, group)
    rank_ics = _correlations(score_rank, return_rank, group)
    quintiles = quantile_returns(score_rank, follow, group)
    return Metrics(
        rank_ic=float(rank_ics.mean()),
        rank_ic_t=t_statistic(rank_ics),
        ic=float(_correlations(score, follow, group).mean()),
        icir=t_statistic(rank_ics) / sqrt(len(rank_ics)),
        hit_rate=float(_hits(score_rank, return_rank)),
        quantile_spread=float(quintiles[-1] - quintiles[0]),
        monotonicity=float(
            _correlations(np.arange(float(QUANTILES)), _order(quintiles), np.zeros(QUANTILES, int))[0]
        ),
        sessions=len(rank_ics),
    )


def session_rank_ics(scores: Vector, returns: Vector, sessions: Labels) -> Vector:
    """Return the rank correlation of each session, oldest first; 0 where all scores of one are equal."""
    _, group = np.unique(sessions, return_inverse=True)
    return _correlations(_ranks(scores, group), _ranks(returns, group), group)


def t_statistic(values: Vector) -> float:
    """Return mean over standard error of independent values; 0 where undefined."""
    if len(values) < 2:
        return 0.0
    deviation = float(values.std(ddof=1))
    return 0.0 if deviation == 0 else float(values.mean()) / deviation * sqrt(len(values))


def quantile_returns(score_ranks: Vector, returns: Vector, group: Labels) -> Vector:
    """Return the mean excess return over the session's mean of each quintile by score, worst first."""
    excess = returns - _means(returns, group)[group]
    quintile = np.minimum((score_ranks * QUANTILES).astype(np.intp), QUANTILES - 1)
    counts = np.bincount(quintile, minlength=QUANTILES)
    return np.asarray(np.bincount(quintile, weights=excess, minlength=QUANTILES) / np.maximum(counts, 1))


def _sessions_with_enough(sessions: Labels) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(sessions, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] >= LEAST_NAMES)


def _ranks(values: Vector, group: Labels) -> Vector:
    """Rank within each session, between 0 and 1 exclusive; ties share their mean rank."""
    frame = pd.Series(values).groupby(group)
    ranks = (frame.rank() - 0.5) / frame.transform("size")
    return np.asarray(ranks, dtype=np.float64)


def _order(values: Vector) -> Vector:
    return np.asarray(pd.Series(values).rank(), dtype=np.float64)


def _means(values: Vector, group: Labels) -> Vector:
    return np.asarray(np.bincount(group, weights=values) / np.bincount(group))


def _correlations(one: Vector, other: Vector, group: Labels) -> Vector:
    """Return the correlation within each session; 0 where one side is constant."""
    a = one - _means(one, group)[group]
    b = other - _means(other, group)[group]
    product, aa, bb = (np.bincount(group, weights=each) for each in (a * b, a * a, b * b))
    scale = np.sqrt(aa * bb)
    flat = scale <= 1e-12 * np.bincount(group)
    return np.where(flat, 0.0, product / np.where(flat, 1.0, scale))


def _hits(score_ranks: Vector, return_ranks: Vector) -> float:
    """Return the fraction of names on the same side of both medians; a name on a median counts half."""
    same = np.sign(score_ranks - 0.5) * np.sign(return_ranks - 0.5)
    return float((same.mean() + 1) / 2)
