"""Plan the day's trades: the desired changes, cut to what is allowed, and the portfolio after them.

The same function for the daily run and every backtest. Sells come first. A plan never spends more than the available
cash, never sells more shares than are held, and never both buys and sells a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.costs.model import estimate, whole_cents
from tasks.trades.cuts import (
    CutLog,
    cut_each,
    drop_beyond,
    drop_small,
    drop_worthless,
    empty_log,
    fit_buys,
)
from tasks.trades.desired_changes import desired_changes, set_by_hand
from tasks.trades.lines import Lines, Numbers, Shares
from tasks.trades.rules import TradeRules

ROUNDS = 6  # costs depend on sizes and sizes on costs: two rounds usually suffice
RESERVE_MARGIN = 1.25


@dataclass(frozen=True)
class Plan:
    """Shares to sell and to buy by line, their costs in cents, and the log of cuts."""

    sells: Shares
    buys: Shares
    commission_cents: Shares
    slippage_cents: Shares
    cut_log: CutLog

    @property
    def cost_cents(self) -> int:
        return int(self.commission_cents.sum() + self.slippage_cents.sum())


def plan_trades(lines: Lines, *, rules: TradeRules, by_hand: Mapping[int, int] | None = None) -> Plan:
    """Return trades whose costs are covered by the amount set aside for costs when sizing them.

    `by_hand`: changes in shares that a person set, by line. They are cut to the limits like all others.
    """
    reserve_cents = 0.0
    plan = _plan(lines, reserve_cents, rules, by_hand or {})
    for _ in range(ROUNDS):
        if plan.cost_cents <= reserve_cents:
            break
        reserve_cents = plan.cost_cents * RESERVE_MARGIN
        plan = _plan(lines, reserve_cents, rules, by_hand or {})
    return plan


def costs_of(shares: Shares, lines: Lines, *, is_sale: bool, rules: TradeRules) -> tuple[Shares, Shares]:
    """Return commission and slippage of each line in cents, each rounded up."""
    if not shares.any():
        return np.zeros_like(shares), np.zeros_like(shares)
    costs = estimate(
        shares.astype(float),
        np.full(len(shares), is_sale),
        lines.conditions,
        costs=rules.costs,
    )
    return whole_cents(costs.commission_usd), whole_cents(costs.slippage_usd)


def shares_after(lines: Lines, plan: Plan) -> Numbers:
    """Return the shares of each line once all trades are filled."""
    return lines.held - plan.sells + plan.buys


def cash_after_cents(lines: Lines, plan: Plan) -> int:
    """Return the cash once all trades are filled at their prices and their costs are paid, to the cent."""
    moved = (plan.sells - plan.buys) * lines.price_cents
    return lines.cash_cents + int(moved.sum()) - plan.cost_cents


def _plan(lines: Lines, reserve_cents: float, rules: TradeRules, by_hand: Mapping[int, int]) -> Plan:
    log = empty_log(lines)
    wanted = set_by_hand(desired_changes(lines, reserve_cents, rules=rules), lines, by_hand)
    sells, of_sells = _sells(np.maximum(-wanted, 0), lines, log, rules)
    selling_costs = int(of_sells[0].sum() + of_sells[1].sum())
    buys = _buys(np.maximum(wanted, 0), sells, selling_costs, lines, log, rules)
    of_buys = costs_of(buys, lines, is_sale=False, rules=rules)
    return Plan(sells, buys, of_sells[0] + of_buys[0], of_sells[1] + of_buys[1], log)


def _sells(
    wanted: Shares, lines: Lines, log: CutLog, rules: TradeRules
) -> tuple[Shares, tuple[Shares, Shares]]:
    """Return the sales, and their commission and slippage."""
    sells = cut_each(wanted, lines, log, is_sale=True, rules=rules)
    sells = drop_small(
        sells, wanted, lines, log, min_notional_usd=rules.min_notional_usd, exempt=lines.is_exit
    )
    commission, slippage = costs_of(sells, lines, is_sale=True, rules=rules)
    sells = drop_worthless(sells, lines, log, commission + slippage)
    sells = drop_beyond(sells, lines, log, most=rules.max_trades, first=lines.is_exit)
    return sells, (np.where(sells > 0, commission, 0), np.where(sells > 0, slippage, 0))


def _buys(
    wanted: Shares, sells: Shares, selling_costs: int, lines: Lines, log: CutLog, rules: TradeRules
) -> Shares:
    def smaller_are_dropped(buys: Shares) -> Shares:
        least = rules.min_notional_usd
        return drop_small(buys, wanted, lines, log, min_notional_usd=least, exempt=nothing)

    def buying_costs(buys: Shares) -> Shares:
        commission, slippage = costs_of(buys, lines, is_sale=False, rules=rules)
        return commission + slippage

    nothing = np.zeros(len(wanted), dtype=bool)
    buys = smaller_are_dropped(cut_each(wanted, lines, log, is_sale=False, rules=rules))
    buys = drop_beyond(buys, lines, log, most=rules.max_trades - int(np.count_nonzero(sells)), first=nothing)
    buys = fit_buys(
        buys,
        sells,
        lines,
        log,
        selling_costs=selling_costs,
        buying_costs=buying_costs,
        rules=rules,
    )
    return smaller_are_dropped(buys)
