"""Split each trade exactly into causes, by solving the day's decision again with its inputs replaced group by group.

The split starts at the last published target and ends at today's trades:

1. Before anything changed: the distance of the last target from what its own inputs want without limits and costs
   belongs to constraints and cost. So a limit that binds on both sessions explains nothing today.
2. What changed has no natural order: holdings and prices (drift), scores and covariance (risk) get their Shapley
   values, the mean effect of replacing one of them over all orders, of the decision without limits and costs.
3. What limits a decision has one, the order in which the day applies it: capital flows (cash), limits and tradability
   (constraints), the regime, trading costs, whole shares and cuts (constraints), the smallest sizes and the reserve for
   costs (cost). Each part is what the trade changes by.

Cumulative sums are rounded to cents, so the parts sum to the trade to the cent.
docs/adr/0025-a-trade-is-split-by-what-changed-then-by-what-limits-it.md gives the reasons.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.arrays import Held, Mask, Vector
from tasks.portfolio.limits import Rules
from tasks.portfolio.rebalance import Costing
from tasks.trades.lines import Trading, lines_towards, traded_places
from tasks.trades.plan import plan_trades
from tasks.trades.rules import TradeRules
from tasks.trades.tickets.schema import CAUSES, Cause, Part
from tasks.trades.tickets.situation import (
    GROUPS,
    Group,
    Situation,
    Solved,
    differing,
    mixed,
    solve_target,
    unlimited,
)

Cents = NDArray[np.int64]
Effect = tuple[Cause, Vector]  # the change in USD of every name's signed trade

CHANGES: tuple[Cause, ...] = ("drift", "score", "risk")


@dataclass(frozen=True)
class LastTarget:
    """The last published target, by name."""

    weights: Vector  # fractions of the equity, without cash
    explains_gap: Cause = "cost"  # "constraints" if settings or code have changed since


@dataclass(frozen=True)
class Comparison:
    """Both situations, the last target and today's holdings, from which today's trades are explained."""

    before: Situation
    now: Situation
    last: LastTarget
    held: Held
    flow_usd: float  # deposits minus withdrawals since the last published session
    rules: Rules
    trade_rules: TradeRules
    trading: Trading

    @property
    def costing(self) -> Costing:
        return Costing(self.trading.trade_date, self.trading.index_multiplier, self.trade_rules.costs)


def split_trades(comparison: Comparison, trade_cents: Cents) -> dict[int, tuple[Part, ...]]:
    """Return the parts of each trade, by the place of its name; `trade_cents` is 0 for names that are not traded."""
    traded = np.flatnonzero(trade_cents)
    causes, reached = [], [np.zeros(len(traded))]
    for cause, usd in _effects(comparison):
        causes.append(cause)
        reached.append(reached[-1] + usd[traded])
    cents = [*(np.round(usd * 100).astype(np.int64) for usd in reached), trade_cents[traded]]
    totals = {cause: np.zeros(len(traded), dtype=np.int64) for cause in CAUSES}
    for cause, change in zip([*causes, "cost"], np.diff(cents, axis=0), strict=True):
        totals[cause] += change
    return {
        place: tuple(Part(cause, int(totals[cause][line])) for cause in CAUSES)
        for line, place in enumerate(traded.tolist())
    }


def shapley(value: Callable[[frozenset[Cause]], Vector], players: Collection[Cause]) -> Iterator[Effect]:
    """Yield each player's Shapley value; they sum to the value of all players less that of none."""
    count = len(players)
    for player in players:
        others = [other for other in players if other != player]
        yield (
            player,
            np.sum(
                [
                    factorial(size)
                    * factorial(count - size - 1)
                    / factorial(count)
                    * (value(frozenset({*some, player})) - value(frozenset(some)))
                    for size in range(count)
                    for some in combinations(others, size)
                ],
                axis=0,
            ),
        )


def without_smallest_sizes(rules: TradeRules) -> TradeRules:
    """Return the rules without smallest trades, tolerance bands and a reserve for costs."""
    return replace(
        rules,
        min_notional_usd=0.0,
        min_weight_change_frac=0.0,
        min_drift_frac=0.0,
        costs=rules.costs.model_copy(update={"multiple": 0.0}),
    )


def _effects(comparison: Comparison) -> Iterator[Effect]:
    """Yield the effects in order, all but the last, after which the trade is the proposed one."""
    solver, last, held = _Solver(comparison), comparison.last, comparison.held
    value = held.weight * held.equity_usd
    equity = held.equity_usd - comparison.flow_usd
    at_target = _held_at(last.weights, equity, comparison.now.names.price)
    drifted = replace(
        held, weight=value / equity, cash_usd=held.cash_usd - comparison.flow_usd, equity_usd=equity
    )

    def free_trade(changed: frozenset[Cause]) -> Vector:
        holdings = drifted if "drift" in changed else at_target
        groups: list[Group] = [group for group in GROUPS if group in changed]
        trade: Vector = (solver.free(groups, holdings).uncosted - holdings.weight) * equity
        return trade

    limited = solver.limited((), at_target)
    yield last.explains_gap, (limited.uncosted - last.weights) * equity
    yield "constraints", free_trade(frozenset()) - (limited.uncosted - last.weights) * equity
    yield from shapley(free_trade, CHANGES)
    reached = free_trade(frozenset(CHANGES))
    for cause, trade in _limiting(comparison, solver, value):
        yield cause, trade - reached
        reached = trade


def _limiting(comparison: Comparison, solver: "_Solver", value: Vector) -> Iterator[Effect]:
    """Yield the trade of every name after each step that limits it."""
    held = comparison.held
    equity = held.equity_usd
    yield "cash", solver.free(("score", "risk"), held).uncosted * equity - value
    limited = solver.limited(("score", "risk", "tradability"), held)
    yield "constraints", limited.uncosted * equity - value
    final = solver.limited(GROUPS, held)
    yield "regime", final.uncosted * equity - value
    yield "cost", final.weights * equity - value
    names = comparison.now.names
    lines = lines_towards(final.target, names, held, comparison.trading)
    places = final.target.places[traded_places(final.target, held)]
    plan = plan_trades(lines, rules=without_smallest_sizes(comparison.trade_rules))
    sized = np.zeros(len(names.score))
    sized[places] = (plan.buys - plan.sells) * lines.price_cents / 100
    yield "constraints", sized  # the exposure limit leaves no more room than the cash does


class _Solver:
    """Solves mixtures of both situations; a mixture of equal inputs is solved once."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._differing = differing(comparison.before, comparison.now)
        self._free_rules = replace(unlimited(comparison.rules), costs_per_year=0.0)
        self._solved: dict[tuple[frozenset[Group], int, bool], Solved] = {}

    def free(self, replaced: Collection[Group], held: Held) -> Solved:
        """Return the target without limits and costs, with these groups of today. `held` must outlive the solver."""
        return self._get(replaced, held, self._free_rules, is_limited=False)

    def limited(self, replaced: Collection[Group], held: Held) -> Solved:
        """Return the target within all limits."""
        return self._get(replaced, held, self._comparison.rules, is_limited=True)

    def _get(self, replaced: Collection[Group], held: Held, rules: Rules, *, is_limited: bool) -> Solved:
        key = frozenset(replaced) & self._differing, id(held), is_limited
        if key not in self._solved:
            situation = mixed(self._comparison.before, self._comparison.now, replaced)
            self._solved[key] = solve_target(situation, held, rules=rules, costing=self._comparison.costing)
        return self._solved[key]


def _held_at(weights: Vector, equity_usd: float, price: Vector) -> Held:
    """Return holdings of exactly these weights, in fractional shares."""
    is_held: Mask = weights > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(is_held, weights * equity_usd / price, 0.0)
    shares = np.where(is_held & ~np.isfinite(shares), 1.0, shares)  # of a name without a price
    return Held(shares, weights, equity_usd * (1 - float(weights.sum())), equity_usd)
