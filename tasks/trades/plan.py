"""Plan the day's trades: the desired changes, cut to what is allowed, and the portfolio after them.

A pure function for the daily run and backtests alike. Sells come first. A plan never spends more than the available
cash, never sells more shares than are held, and never both buys and sells a name.
"""

from dataclasses import dataclass

import numpy as np

from config.settings import Settings
from tasks.costs.model import estimate, whole_cents
from tasks.trades.cuts import CutLog, cut_each, drop_beyond, drop_small, drop_worthless, fit_buys
from tasks.trades.desired_changes import desired_changes
from tasks.trades.lines import Lines, Shares

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


def plan_trades(lines: Lines, *, settings: Settings) -> Plan:
    """Return trades whose costs are covered by the amount set aside for costs when sizing them."""
    reserve_cents = 0.0
    plan = _plan(lines, reserve_cents, settings)
    for _ in range(ROUNDS):
        if plan.cost_cents <= reserve_cents:
            break
        reserve_cents = plan.cost_cents * RESERVE_MARGIN
        plan = _plan(lines, reserve_cents, settings)
    return plan


def costs_of(shares: Shares, lines: Lines, *, is_sale: bool, settings: Settings) -> tuple[Shares, Shares]:
    """Return commission and slippage of each line in cents, each rounded up."""
    costs = estimate(
        shares.astype(float),
        np.full(len(shares), is_sale),
        lines.conditions,
        costs=settings.costs,
    )
    return whole_cents(costs.commission_usd), whole_cents(costs.slippage_usd)


def _plan(lines: Lines, reserve_cents: float, settings: Settings) -> Plan:
    cut_log = CutLog()
    wanted = desired_changes(lines, reserve_cents, settings=settings)
    sells = _sells(np.maximum(-wanted, 0), lines, cut_log, settings)
    buys = _buys(np.maximum(wanted, 0), sells, lines, cut_log, settings)
    of_sells = costs_of(sells, lines, is_sale=True, settings=settings)
    of_buys = costs_of(buys, lines, is_sale=False, settings=settings)
    return Plan(sells, buys, of_sells[0] + of_buys[0], of_sells[1] + of_buys[1], cut_log)


def _sells(wanted: Shares, lines: Lines, cut_log: CutLog, settings: Settings) -> Shares:
    sells = cut_each(wanted, lines, cut_log, is_sale=True, settings=settings)
    sells = drop_small(
        sells, wanted, lines, cut_log, min_notional_usd=settings.trades.min_notional_usd, exempt=lines.is_exit
    )
    sells = drop_worthless(
        sells, lines, cut_log, lambda shares: _costs(shares, lines, settings, is_sale=True)
    )
    most = settings.trades.max_trades
    return drop_beyond(sells, lines, cut_log, most=most, first=lines.is_exit, words=_too_many(most))


def _buys(wanted: Shares, sells: Shares, lines: Lines, cut_log: CutLog, settings: Settings) -> Shares:
    def smaller_are_dropped(buys: Shares) -> Shares:
        least = settings.trades.min_notional_usd
        return drop_small(buys, wanted, lines, cut_log, min_notional_usd=least, exempt=nothing)

    nothing = np.zeros(len(wanted), dtype=bool)
    most = settings.trades.max_trades
    buys = smaller_are_dropped(cut_each(wanted, lines, cut_log, is_sale=False, settings=settings))
    buys = drop_beyond(
        buys, lines, cut_log, most=most - int(np.count_nonzero(sells)), first=nothing, words=_too_many(most)
    )
    buys = fit_buys(
        buys,
        sells,
        lines,
        cut_log,
        selling_costs=int(_costs(sells, lines, settings, is_sale=True).sum()),
        buying_costs=lambda shares: _costs(shares, lines, settings, is_sale=False),
        settings=settings,
    )
    return smaller_are_dropped(buys)


def _costs(shares: Shares, lines: Lines, settings: Settings, *, is_sale: bool) -> Shares:
    commission, slippage = costs_of(shares, lines, is_sale=is_sale, settings=settings)
    return commission + slippage


def _too_many(most: int) -> str:
    return f"more than {most} trades in one day; exits and larger trades come first"
