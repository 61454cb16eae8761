"""Select the optimizer's candidates, and convert their scores to expected returns.

Selection depends on scores, quotes, risk estimates and holdings: a new name needs a better rank than a holding
needs to stay a candidate. Otherwise names near the cut-off would be bought and sold again and again. Sets no weights.
Which names may be bought at all is decided in tasks/data/panel/universe.py.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tasks.portfolio.arrays import Codes, Held, Names, Places, Vector
from tasks.portfolio.limits import Rules
from tasks.portfolio.stops import is_stopped

MAX_Z = 3.0  # one extreme score must not become one extreme position
KEPT_FRAC = 2 / 3  # no holding is kept in the bottom third of the ranking, however few names there are


class Obstacle(IntEnum):
    """Why a name is not a candidate; of several reasons the first."""

    NONE = 0
    UNSCORED = 1
    RESERVED = 2
    NO_SCORE = 3
    NO_QUOTE = 4
    QUARANTINED = 5
    BELOW_A_CENT = 6
    NO_RISK_ESTIMATE = 7
    BEYOND = 8  # others have better scores
    AFTER_HOLDINGS = 9  # holdings that rank lower take its place
    STOPPED = 10  # before all other reasons but the next: it is sold whatever the model says
    FIXED = 11  # a person set its weight


class Candidates(NamedTuple):
    """The names chosen, and the `Obstacle` of every name."""

    chosen: Places
    considered: Places  # chosen, held, or given a weight by a person: the names that get a target
    obstacle: Codes
    kept: Places  # the selected holdings that are not among the best scores
    keep_rank: int  # the rank among eligible names down to which a holding has priority


def choose_candidates(names: Names, held: Held, *, rules: Rules, stop_loss_frac: float) -> Candidates:
    """Return `max_positions` names that have a quote, no quarantine, no stop and a risk estimate.

    The stop loss is not applied to a name without a quote or in quarantine, because its price is in doubt. Holdings
    down to `rules.keep_rank`, except in the bottom third of eligible names, come first, then the best scores. Of equal
    scores the more liquid name comes first, then the earlier one.
    """
    obstacle = np.zeros(len(names.score), dtype=np.int64)
    obstacle[~names.has_risk] = Obstacle.NO_RISK_ESTIMATE  # an earlier reason overwrites a later one
    obstacle[~(names.price > 0)] = Obstacle.BELOW_A_CENT
    obstacle[names.is_quarantined] = Obstacle.QUARANTINED
    obstacle[~names.has_quote] = Obstacle.NO_QUOTE
    obstacle[~np.isfinite(names.score)] = Obstacle.NO_SCORE
    obstacle[names.is_reserved] = Obstacle.RESERVED
    obstacle[~names.is_scored] = Obstacle.UNSCORED
    has_close = names.has_quote & ~names.is_quarantined
    obstacle[has_close & is_stopped(names.fall, stop_loss_frac)] = Obstacle.STOPPED
    obstacle[names.is_fixed] = Obstacle.FIXED

    eligible = np.flatnonzero(obstacle == Obstacle.NONE)
    best = eligible[np.lexsort((-names.adv_usd[eligible], -names.score[eligible]))]
    most = rules.max_positions
    keep_rank = max(min(rules.keep_rank, int(KEPT_FRAC * len(best))), most)
    is_first = (held.shares[best] > 0) & (np.arange(len(best)) < keep_rank)
    is_chosen = np.zeros(len(best), dtype=bool)
    is_chosen[np.argsort(~is_first, kind="stable")[:most]] = True
    obstacle[best[~is_chosen]] = Obstacle.BEYOND
    obstacle[best[:most][~is_chosen[:most]]] = Obstacle.AFTER_HOLDINGS
    chosen = np.sort(best[is_chosen])
    kept = np.sort(best[most:][is_chosen[most:]])
    given = held.places if names.fixed is None else np.union1d(held.places, np.flatnonzero(names.fixed > 0))
    return Candidates(chosen, np.union1d(chosen, given), obstacle, kept, keep_rank)


def expected_returns(score: Vector, chosen: Places, volatility: Vector, *, score_to_return: float) -> Vector:
    """Return annual expected returns in excess of cash for the chosen names; their `volatility` is annual.

    The z-score of each name among all scored names × its volatility × `score_to_return` (Grinold's rule). If all
    scores are equal, every expected return is 0.
    """
    known = score[np.isfinite(score)]
    spread = float(known.std()) if known.size else 0.0
    if not spread > 1e-12 * max(1.0, float(np.abs(known).max(initial=0.0))):
        return np.zeros(len(chosen))
    standard = ((score[chosen] - known.mean()) / spread).clip(-MAX_Z, MAX_Z)
    worth: Vector = standard * volatility * score_to_return
    return worth
