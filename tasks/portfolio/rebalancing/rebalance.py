"""Move from the holdings towards a target only as far as the benefit exceeds the cost of trading.

The benefit is a lower tracking variance: an investor with the given risk aversion loses
½ × risk aversion × (w - t)'Σ(w - t) of utility a year by holding w instead of the target t. The cost is the estimated
cost of the trades, counted as often as they are expected to recur in a year. This takes the holdings into account for
every optimizer, with or without an objective.

Every weight stays between the current one and its target. Exits and weights above a limit are traded regardless of
costs.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np

from config.costs_section import Costs
from tasks.costs.model import Conditions, estimate
from tasks.portfolio.arrays import Held, Mask, Matrix, Names, Places, Vector, adv_in_shares
from tasks.portfolio.caps import round_down
from tasks.portfolio.limits import Limits, Weights


class Costing(NamedTuple):
    """How a trade is priced."""

    trade_date: date
    index_multiplier: float
    costs: Costs


class Move(NamedTuple):
    """The weights to trade to, and by how much each limit lowered each weight although trading costs spoke against it.

    `lowered` has a row per limit, in the order of tasks/portfolio/caps.py, with all pairs in one row.
    """

    weights: Weights
    lowered: Matrix


class TurnoverPenalty(NamedTuple):
    """Parameters of the trade-off between costs and tracking variance."""

    risk_aversion: float
    cost_multiple: float  # times a year that a cost is counted; 0: costs are ignored


def cost_fractions(change: Weights, names: Names, held: Held, places: Places, costing: Costing) -> Vector:
    """Return the estimated cost of each change in weight, as a fraction of the amount traded."""
    price = names.price[places]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.nan_to_num(np.abs(change) * held.equity_usd / price, posinf=0.0)
    conditions = Conditions(
        price,
        names.daily_volatility[places],
        adv_in_shares(names.adv_usd[places], price),
        costing.trade_date,
        costing.index_multiplier,
    )
    costs = estimate(shares, change < 0, conditions, costs=costing.costs)
    amount_usd = shares * price
    total = costs.commission_usd + costs.slippage_usd
    return np.divide(total, amount_usd, out=np.zeros(len(places)), where=amount_usd > 0)


def move_towards(
    target: Weights,
    current: Weights,
    covariance: Matrix,
    cost_frac: Vector,
    limits: Limits,
    *,
    is_weighed: Mask,
    penalty: TurnoverPenalty,
) -> Move:
    """Return weights between the current ones and the target. The target must satisfy the limits; so does the result.

    `covariance` is annual. Names that are not `is_weighed` get their target; so do all if costs are ignored.
    """
    lowered = np.zeros((len(limits.groups) + 3, len(target)))
    kept = np.flatnonzero(is_weighed & (target != current))
    if not kept.size or penalty.cost_multiple == 0:
        return Move(target, lowered)
    from tasks.portfolio.rebalancing.descent import descend

    weights = target.copy()
    weights[kept] = descend(
        current[kept],
        target[kept],
        np.ascontiguousarray(penalty.risk_aversion * covariance[np.ix_(kept, kept)]),
        penalty.cost_multiple * cost_frac[kept],
    )
    weights = _within(weights, target, limits, lowered)
    return Move(round_down(_within(_fill(weights, target), target, limits, lowered)), lowered)


def _within(weights: Weights, target: Weights, limits: Limits, lowered: Matrix) -> Weights:
    """Lower weights towards their targets until every limit holds; add the cut of each limit to its row."""
    before, weights = weights, np.minimum(weights, np.maximum(limits.max_position, target))
    lowered[0] += before - weights
    for row, members, most in _sums(limits, len(weights)):
        before, weights = weights, _lower(weights, target, members, most)
        lowered[row] += before - weights
    return weights


def _fill(weights: Weights, target: Weights) -> Weights:
    """Raise weights towards their targets until their sum equals the target's."""
    missing = target.sum() - weights.sum()
    below = np.maximum(target - weights, 0.0)
    return weights + below * min(missing / below.sum(), 1.0) if missing > 0 else weights


def _lower(weights: Weights, target: Weights, members: Mask, most: float) -> Weights:
    """Lower the members' weights towards their targets, all by one fraction, until their sum is within the limit."""
    excess = weights[members].sum() - most
    if excess <= 0:
        return weights
    above = np.where(members, np.maximum(weights - target, 0.0), 0.0)
    return weights - above * min(excess / above.sum(), 1.0) if above.any() else weights


def _sums(limits: Limits, names: int) -> Iterator[tuple[int, Mask, float]]:
    """Yield the row in `Move.lowered`, the members and the largest sum of every limit on several names."""
    for one, other, _ in limits.pairs:
        pair = np.zeros(names, dtype=bool)
        pair[[one, other]] = True
        yield 1, pair, limits.max_position
    for row, group in enumerate(limits.groups, 2):
        yield row, group.members, group.limit
    yield len(limits.groups) + 2, np.ones(names, dtype=bool), limits.max_exposure
