"""Decide one session: target weights and the trades towards them, from arrays alone.

The stages of the day call the same functions in the same order, with frames and text around them; a backtest calls
this one.
"""

from dataclasses import dataclass

from tasks.portfolio.arrays import Held, Matrix, Names, Places
from tasks.portfolio.candidates import Candidates
from tasks.portfolio.limits import Rules
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.target import Target, View, target_weights
from tasks.trades.lines import Lines, Trading, lines_towards, traded_places
from tasks.trades.plan import Plan, plan_trades
from tasks.trades.rules import TradeRules


@dataclass(frozen=True)
class Decision:
    """The target, and the plan for the names at `places`, which are the order of `lines` and `plan`."""

    target: Target
    places: Places
    lines: Lines
    plan: Plan


def decide(
    view: View,
    names: Names,
    held: Held,
    candidates: Candidates,
    covariance: Matrix,
    *,
    rules: Rules,
    trade_rules: TradeRules,
    trading: Trading,
) -> Decision:
    """Return the decision of one session. `covariance` as in `target_weights`."""
    costing = Costing(trading.trade_date, trading.index_multiplier, trade_rules.costs)
    target = target_weights(view, names, held, candidates, covariance, rules=rules, costing=costing)
    lines = lines_towards(target, names, held, trading)
    places = target.places[traded_places(target, held)]
    return Decision(target, places, lines, plan_trades(lines, rules=trade_rules))
