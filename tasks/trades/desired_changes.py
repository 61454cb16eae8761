"""Compute the desired change of each name in whole shares, before any cuts.

Weights are fractions of the equity before costs. Shares are rounded down, so that no trade overshoots its target, and
buys are sized on the equity after costs. A position within a tolerance band of its target is left unchanged: the band
is one share plus a fraction of the portfolio or of the target, whichever is larger. While a limit is exceeded,
positions lose their band one by one, the largest excess first. Exits have no band.
"""

from collections.abc import Mapping

import numpy as np

from tasks.portfolio.limits import TOLERANCE, Limits
from tasks.trades.lines import Lines, Mask, Numbers, Shares
from tasks.trades.rules import TradeRules

ROUNDING = 1e-9  # of a share


def desired_changes(lines: Lines, reserve_cents: float, *, rules: TradeRules) -> Shares:
    """Return the whole shares to buy of each name, or to sell (negative), with `reserve_cents` set aside for costs."""
    net_cents = max(lines.equity_cents - reserve_cents, 0.0)
    is_kept = _in_band(lines, net_cents, rules) & ~lines.is_exit
    is_kept = _withdraw(is_kept, lines, rules)

    price = np.maximum(lines.price_cents, 1)
    grow = np.floor(lines.weight * net_cents / price + ROUNDING) - lines.held
    shrink = lines.held - np.floor(lines.weight * lines.equity_cents / price + ROUNDING)
    change = np.where(grow > 0, np.floor(grow + ROUNDING), -np.floor(np.maximum(shrink, 0.0) + ROUNDING))
    change[is_kept | ((change > 0) & ~lines.may_buy) | (lines.price_cents == 0)] = 0
    wanted: Shares = change.astype(np.int64)
    return wanted


def set_by_hand(wanted: Shares, lines: Lines, changes: Mapping[int, int]) -> Shares:
    """Return the desired changes with those that a person set by line: positive buys, negative sells, 0: no trade.

    No band applies to them, but none goes beyond its target by more than a share: limits also cut what a person set.
    """
    desired = wanted.copy()
    for line, shares in changes.items():
        target = int(
            lines.weight[line] * lines.equity_cents / max(int(lines.price_cents[line]), 1) + ROUNDING
        )
        gap = target - int(lines.held[line])
        most = max(gap + 1, 0) if shares > 0 else max(1 - gap, 0)
        desired[line] = min(shares, most) if shares > 0 else max(shares, -most)
    return desired


def _in_band(lines: Lines, net_cents: float, rules: TradeRules) -> Mask:
    """Return which positions are close enough to their targets.

    Shortfalls are measured against the equity before costs, and excesses against the equity after them. So a position
    that is left unchanged today is still in the band once costs are paid: a filled plan needs no trades.
    """

    def band(equity_cents: float) -> Numbers:
        least = max(rules.min_weight_change_frac * equity_cents, rules.min_notional_usd * 100)
        drift = rules.min_drift_frac * lines.weight * equity_cents
        return lines.price_cents.astype(np.float64) + np.maximum(drift, least)

    too_little = lines.weight * lines.equity_cents - lines.value_cents
    too_much = lines.value_cents - lines.weight * net_cents
    inside: Mask = (too_little < band(lines.equity_cents)) & (too_much < band(net_cents))
    return inside


def _withdraw(is_kept: Mask, lines: Lines, rules: TradeRules) -> Mask:
    """Remove names from the band until the portfolio is within its limits.

    This terminates, because the targets are within the limits. Costs raise every weight slightly. That is not a
    decision, so the most that they can add is tolerated.
    """
    now = lines.value_cents / lines.equity_cents
    slack = 1 + rules.max_cost_frac
    kept = is_kept.copy()
    while True:
        weights = np.where(kept, now, lines.weight)
        excess = np.where(kept & _beyond(weights, lines.limits, slack), now - lines.weight, 0.0)
        worst = int(np.argmax(excess)) if excess.size else 0
        if not excess.size or excess[worst] <= 0:
            return kept
        kept[worst] = False


def _beyond(weights: Numbers, limits: Limits, slack: float) -> Mask:
    """Return which names belong to an exceeded limit."""
    if weights.sum() > limits.max_exposure * slack + TOLERANCE:
        return np.ones(len(weights), dtype=bool)
    beyond: Mask = weights > limits.max_position * slack + TOLERANCE
    for group in limits.groups:
        if weights[group.members].sum() > group.limit * slack + TOLERANCE:
            beyond = beyond | group.members
    return beyond
