"""Metrics of how well scores rank the returns that follow.

Each metric is computed per session over its cross-section and averaged over sessions, so that a rise of the whole
market has no effect. Standard errors account for overlapping returns (`inference`). The neutral IC is the correlation
of score ranks and return ranks after both were residualized on the controls (`controls`): a partial rank correlation.
Half of the standard deviation of a plain rank IC comes from exposures to the controls.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.models.training.controls import Controls
from tasks.models.training.inference import estimate

Vector = NDArray[np.float64]
Labels = NDArray[np.intp]

QUANTILES = 5
LEAST_NAMES = 10  # sessions with fewer scored names are omitted


@dataclass(frozen=True)
class Metrics:
    """Over all sessions of a window; coefficients between −1 and 1, returns as fractions of the shortest label."""

    neutral_ic: float
    neutral_ic_se: float
    neutral_ic_t: float
    rank_ic: float
    rank_ic_se: float
    rank_ic_t: float
    ic: float
    icir: float  # mean over standard deviation of the sessions' rank ICs, not annualized
    hit_rate: float  # fraction of names on the same side of the median in score and return
    quantile_spread: float  # mean return of the best quintile less that of the worst
    monotonicity: (
        float  # rank correlation of quintile and mean return; 1 if each quintile beats the one below
    )
    sessions: int


_FIGURES = tuple(field.name for field in fields(Metrics) if field.name != "sessions")


def metrics_of(
    scores: Vector, returns: Vector, sessions: Labels, *, overlap: int = 1, controls: Controls | None = None
) -> Metrics:
    """Return the metrics of scores against forward returns; the three arrays have one entry per row, by session.

    `overlap`: horizon of the returns if every session is there, 1 if the sessions are a horizon apart. Without controls
    the neutral IC is the rank IC. Constant scores give 0. A NaN score makes every metric NaN. Without enough rows all
    are 0 (hit rate 0.5).
    """
    keep = sessions_with_enough(sessions)
    score, follow, session = scores[keep], returns[keep], sessions[keep]
    if not len(score):
        return Metrics(**dict.fromkeys(_FIGURES, 0.0) | {"hit_rate": 0.5}, sessions=0)
    _, group = np.unique(session, return_inverse=True)
    if not np.isfinite(score).all():
        return Metrics(**dict.fromkeys(_FIGURES, float("nan")), sessions=int(group.max()) + 1)
    score_rank, return_rank = _ranks(score, group), _ranks(follow, group)
    rank_ics = _correlations(score_rank, return_rank, group)
    neutral_ics = rank_ics
    if controls is not None:
        used = controls.of(keep)
        neutral_ics = _correlations(used.cleaned(score_rank), used.cleaned(return_rank), group)
    plain, neutral = (estimate(each, overlap=overlap) for each in (rank_ics, neutral_ics))
    quintiles = quantile_returns(score_rank, follow, group)
    return Metrics(
        neutral_ic=neutral.mean,
        neutral_ic_se=neutral.error,
        neutral_ic_t=neutral.t,
        rank_ic=plain.mean,
        rank_ic_se=plain.error,
        rank_ic_t=plain.t,
        ic=float(_correlations(score, follow, group).mean()),
        icir=_mean_over_deviation(rank_ics),
        hit_rate=float(_hits(score_rank, return_rank)),
        quantile_spread=float(quintiles[-1] - quintiles[0]),
        monotonicity=float(
            _correlations(np.arange(float(QUANTILES)), _order(quintiles), np.zeros(QUANTILES, int))[0]
        ),
        sessions=len(rank_ics),
    )


def session_neutral_ics(scores: Vector, returns: Vector, sessions: Labels, controls: Controls) -> Vector:
    """Return the neutral IC of each session with enough names, oldest first."""
    keep = sessions_with_enough(sessions)
    _, group = np.unique(sessions[keep], return_inverse=True)
    used = controls.of(keep)
    score, follow = (used.cleaned(_ranks(each[keep], group)) for each in (scores, returns))
    return _correlations(score, follow, group)


def quintiles_of(scores: Vector, returns: Vector, sessions: Labels) -> Vector:
    """Return the mean excess return over the session's mean of each quintile by score, worst first."""
    keep = sessions_with_enough(sessions)
    _, group = np.unique(sessions[keep], return_inverse=True)
    return quantile_returns(_ranks(scores[keep], group), returns[keep], group) if keep.any() else np.empty(0)


def quantile_returns(score_ranks: Vector, returns: Vector, group: Labels) -> Vector:
    """Return the mean excess return over the session's mean of each quintile by score, worst first."""
    excess = returns - _means(returns, group)[group]
    quintile = np.minimum((score_ranks * QUANTILES).astype(np.intp), QUANTILES - 1)
    counts = np.bincount(quintile, minlength=QUANTILES)
    return np.asarray(np.bincount(quintile, weights=excess, minlength=QUANTILES) / np.maximum(counts, 1))


def _mean_over_deviation(values: Vector) -> float:
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return float(values.mean()) / deviation if deviation else 0.0


def sessions_with_enough(sessions: Labels) -> NDArray[np.bool_]:
    """Return which rows belong to a session with enough names to be measured."""
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
