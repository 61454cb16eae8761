"""Count in how many reruns of the decision, with slightly different inputs, each trade persists. Pure and seeded.

Each rerun resamples the return window in blocks of sessions, shifts every price by about the difference between two
vendors' closes, and every score by the uncertainty of the model's signal across folds. A trade persists if the rerun
trades the name on the same side and at least half as many shares. This measures how firmly the inputs determine the
trade, not whether it will pay: it is not a probability of profit.
"""

from dataclasses import dataclass, replace

import numpy as np

from tasks.models.schema import Champion
from tasks.portfolio.arrays import value_held
from tasks.portfolio.quotes import to_cents
from tasks.trades.tickets.attribution import Comparison
from tasks.trades.tickets.situation import RiskEstimate, Shares, Situation, decided_shares

BLOCK_SESSIONS = 10
LEAST_SIZE = 0.5  # of the proposed shares
PRICE_NOISE = 0.0005  # standard deviation of two vendors' closes, a fraction


@dataclass(frozen=True)
class Reruns:
    """How many reruns, from which seed, and the standard deviation of the noise in scores, in that of the scores."""

    runs: int
    seed: int
    score_noise: float


def count_survivals(comparison: Comparison, trades: Shares, reruns: Reruns) -> Shares:
    """Return in how many reruns each trade persists. `trades`: signed shares by place; 0 for names not traded."""
    rng = np.random.default_rng(reruns.seed)
    persisted = np.zeros(len(trades), dtype=np.int64)
    for _ in range(reruns.runs):
        again = _decided_again(comparison, reruns.score_noise, rng)
        persisted += (np.sign(again) == np.sign(trades)) & (np.abs(again) >= LEAST_SIZE * np.abs(trades))
    return np.where(trades != 0, persisted, 0)


def score_noise(champion: Champion) -> float:
    """Return the noise in scores, in their standard deviation: 1 / t of the neutral IC over the confirmation folds.

    So uncertain is the size of the signal across the folds; at most 1. 0 for the baseline, which does not rank names.
    """
    if not champion.ranks:
        return 0.0
    t = champion.metrics.get("neutral_ic_t", 0.0)
    return 1 / t if t > 1 else 1.0


def _decided_again(comparison: Comparison, score_noise: float, rng: np.random.Generator) -> Shares:
    """Return the signed shares that the decision trades on inputs drawn again, by place."""
    now = _disturbed(comparison.now, score_noise, rng)
    held = value_held(comparison.held.shares, now.names.price, comparison.held.cash_usd)
    return decided_shares(now, held, rules=comparison.rules)


def _disturbed(now: Situation, score_noise: float, rng: np.random.Generator) -> Situation:
    count, names = len(now.names.score), now.names
    price = to_cents(names.price * np.exp(rng.normal(0.0, PRICE_NOISE, count)))
    score, noise = names.score, rng.normal(0.0, score_noise, count)
    if now.view.ranks and score_noise:
        score = score + noise * np.nanstd(score)
    price = np.where(names.price > 0, np.maximum(price, 0.01), names.price)
    return replace(now, names=replace(names, price=price, score=score), risk=_resampled(now.risk, rng))


def _resampled(risk: RiskEstimate, rng: np.random.Generator) -> RiskEstimate:
    """Return the estimate from sessions drawn again in blocks; the shrinkage is kept."""
    centred = risk.estimator.centred
    sessions = len(centred)
    if not sessions:
        return risk
    block = min(BLOCK_SESSIONS, sessions)
    starts = rng.integers(0, sessions - block + 1, -(-sessions // block))
    rows = (starts[:, None] + np.arange(block)).ravel()[:sessions]
    drawn = np.asfortranarray(centred[rows])
    return replace(risk, estimator=replace(risk.estimator, centred=drawn - drawn.mean(axis=0)))
