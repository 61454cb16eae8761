"""Compute the target weights of one session from arrays: the same function for the daily run and every backtest.

The ladder sets the candidates' weights, every limit is applied, and the holdings move towards these weights as far as
that is worth its cost (tasks/portfolio/rebalancing/rebalance.py). Names in quarantine may be held but not increased,
and if no method succeeds the holdings are unchanged, except that a stop always sells. Returns codes, which
tasks/portfolio/explanation.py describes in text.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from tasks.portfolio.arrays import Codes, Held, Mask, Matrix, Names, Places
from tasks.portfolio.candidates import Candidates, Obstacle, expected_returns
from tasks.portfolio.caps import cap_book
from tasks.portfolio.ladder import HOLD, Solution, solve
from tasks.portfolio.limits import Limits, Rules, Weights, limits_among, limits_of
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.overlays import Effect, size
from tasks.portfolio.rebalancing.rebalance import Costing, TurnoverPenalty, cost_fractions, move_towards
from tasks.portfolio.schema import LadderStep

SESSIONS_PER_YEAR = 252
CASH_ONLY = "cash"  # when the regime allows no exposure: no optimizer is called
SMALLEST_CUT = 1e-6  # smaller ones are rounding


class Reason(IntEnum):
    """Why a name has its weight before the limits, other than its score."""

    NONE = 0
    UNCHANGED = 1  # no method returned a portfolio
    NO_QUOTE = 2  # exit only
    QUARANTINED = 3
    NOT_CHOSEN = 4  # its `Obstacle` says why
    NO_EXPOSURE = 5
    NO_WEIGHT = 6  # from the optimizer
    NO_NEW_POSITIONS = 7
    UNRANKED = 8
    KEPT = 9  # a holding whose rank would not suffice for a new name


@dataclass(frozen=True)
class View:
    """The champion's scores and the regime's limits for the session."""

    ranks: bool  # False: the scores do not rank names, by design
    score_to_return: (
        float  # yearly return of a name one standard deviation above the mean score, per unit of volatility
    )
    optimizer: str
    exposure_cap: float
    allows_new_positions: bool
    size_multiplier: float = 1.0  # fraction of the position limit that the regime leaves
    stop_loss_frac: float = 0.0  # a name that fell further below its recent high is sold; 0: no stop


@dataclass(frozen=True)
class Target:
    """The target of the names at `places`, without cash. All arrays but `places` follow its order."""

    places: Places
    cuts: Matrix  # the weights wanted, then those that each limit leaves (tasks/portfolio/caps.py)
    reason: Codes
    weights: Weights  # within all limits; their sum is at most the exposure cap
    lowered: Matrix  # by each limit, after the trade-off with trading costs (tasks/portfolio/rebalancing/rebalance.py)
    limits: Limits
    method: str
    steps: tuple[LadderStep, ...]
    effects: tuple[Effect, ...]  # of the sizing overlays

    @property
    def uncosted(self) -> Weights:
        """The weights within all limits if trading cost nothing."""
        uncosted: Weights = self.cuts[-1]
        return uncosted


def target_weights(
    view: View,
    names: Names,
    held: Held,
    candidates: Candidates,
    covariance: Matrix,
    *,
    rules: Rules,
    costing: Costing,
) -> Target:
    """Return the target of every candidate and holding.

    `covariance`: daily returns of the names considered, in their order; NaN where there is no estimate.
    """
    rules = replace(rules, max_position=rules.max_position * view.size_multiplier)
    places = candidates.considered
    limits = limits_of(
        names.sector[places],
        names.cap_class[places],
        covariance,
        exposure_cap=view.exposure_cap,
        rules=rules,
    )
    within, chosen = np.arange(len(places)), np.searchsorted(places, candidates.chosen)
    solution, effects = _solve(
        view, names, candidates, covariance[np.ix_(chosen, chosen)], limits, chosen, rules
    )
    if solution.method == HOLD:
        kept = np.flatnonzero((held.shares[places] > 0) | names.is_fixed[places])
        places, within, limits = places[kept], within[kept], limits_among(limits, kept)
    wanted = _with_held(solution, names, held, candidates, places, chosen)
    if not view.allows_new_positions:
        wanted = without_increases(wanted, held.weight[places])
    cuts = cap_book(wanted, limits)
    current, uncosted = held.weight[places], cuts[-1]
    is_candidate = candidates.obstacle[places] == Obstacle.NONE
    move = move_towards(
        uncosted,
        current,
        covariance[np.ix_(within, within)] * SESSIONS_PER_YEAR,
        cost_fractions(uncosted - current, names, held, places, costing),
        replace(limits, max_exposure=min(limits.max_exposure, uncosted.sum())) if effects else limits,
        is_weighed=is_candidate & (solution.weights is not None),
        penalty=TurnoverPenalty(rules.methods.risk_aversion, rules.costs_per_year),
    )
    return Target(
        places,
        cuts,
        _reasons(view, names, candidates, wanted, places, solution.method),
        move.weights,
        move.lowered,
        limits,
        solution.method,
        solution.steps,
        effects,
    )


def without_increases(weights: Weights, current: Weights) -> Weights:
    """Return the weights with none above the current one."""
    return np.minimum(weights, current)


def _solve(
    view: View,
    names: Names,
    candidates: Candidates,
    covariance: Matrix,
    limits: Limits,
    chosen: Places,
    rules: Rules,
) -> tuple[Solution, tuple[Effect, ...]]:
    if view.exposure_cap <= 0:
        return Solution(None, CASH_ONLY, (LadderStep(CASH_ONLY, "used: the regime allows no exposure"),)), ()
    yearly = covariance * SESSIONS_PER_YEAR
    problem = Problem(
        expected_returns(
            names.score,
            candidates.chosen,
            np.sqrt(np.diag(yearly)),
            score_to_return=view.score_to_return,
        ),
        yearly,
        replace(limits_among(limits, chosen), max_exposure=1.0),  # the regime scales the portfolio as a whole
        rules.solver_max_iterations,
        rules.methods,
    )
    solution = solve(problem, optimizer=view.optimizer, ranks=view.ranks)
    if solution.weights is None:
        return solution, ()
    weights, effects = size(solution.weights, problem, ranks=view.ranks, overlays=rules.overlays)
    return solution._replace(weights=weights), effects


def _with_held(
    solution: Solution, names: Names, held: Held, candidates: Candidates, places: Places, chosen: Places
) -> Weights:
    """Return desired weights of candidates and held names; names that may only be sold get 0."""
    given = held.weight[places] if names.fixed is None else _given(names.fixed[places], held.weight[places])
    if solution.method == HOLD:
        return np.where(candidates.obstacle[places] == Obstacle.STOPPED, 0.0, given)
    wanted = np.zeros(len(places))
    if solution.weights is None:
        return wanted
    stays = (held.shares[places] > 0) & names.is_quarantined[places] & names.has_quote[places]
    stays = stays | names.is_fixed[places]
    kept = given[stays]
    wanted[chosen] = solution.weights * max(1.0 - kept.sum(), 0.0)
    wanted[stays] = kept
    return wanted


def _given(fixed: Weights, current: Weights) -> Weights:
    """Return the weights that a person set, elsewhere the current ones."""
    return np.where(np.isfinite(fixed), fixed, current)


def _reasons(
    view: View, names: Names, candidates: Candidates, wanted: Weights, places: Places, method: str
) -> Codes:
    if method == HOLD:
        is_stopped = candidates.obstacle[places] == Obstacle.STOPPED
        return np.where(is_stopped, Reason.NOT_CHOSEN, Reason.UNCHANGED).astype(np.int64)
    reason = np.zeros(len(places), dtype=np.int64)
    if not view.ranks:
        reason[:] = Reason.UNRANKED
    reason[np.searchsorted(places, candidates.kept)] = Reason.KEPT
    reason[wanted < SMALLEST_CUT] = Reason.NO_WEIGHT if view.allows_new_positions else Reason.NO_NEW_POSITIONS
    if method == CASH_ONLY:
        reason[:] = Reason.NO_EXPOSURE
    is_candidate: Mask = candidates.obstacle[places] == Obstacle.NONE
    reason[~is_candidate] = Reason.NOT_CHOSEN
    reason[~is_candidate & names.is_quarantined[places]] = Reason.QUARANTINED
    reason[~is_candidate & ~names.has_quote[places]] = Reason.NO_QUOTE
    return reason
