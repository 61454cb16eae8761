"""The trades stage: turn the target portfolio into a list of trades for a person to approve."""

import logging
from collections.abc import Mapping

import pandas as pd

from tasks.core.artifacts import load_frame, save_frame
from tasks.core.errors import SafetyError
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.schema.records import Market
from tasks.portfolio.schema import Portfolio
from tasks.trades.check import check_trades
from tasks.trades.explanation import dropped_trades, trades_frame
from tasks.trades.frame import book_after, line_symbols, make_lines
from tasks.trades.lines import Lines
from tasks.trades.plan import Plan, cash_after_cents, plan_trades
from tasks.trades.resize import resized
from tasks.trades.rules import TradeRules, trade_rules_of
from tasks.trades.schema import Trades
from tasks.trades.simulated_mark import mark_simulated

log = logging.getLogger(__name__)


@stage()
def propose_trades(run: Run, market: Market, portfolio: Portfolio) -> Trades:
    """Size, cut and price the trades from the current towards the target portfolio."""
    target, lines, rules = _sized(run, market, portfolio)
    trades = _described(run, market, target, lines, plan_trades(lines, rules=rules), rules)
    check_trades(load_frame(trades.frame), portfolio.book, target["adv_usd"], settings=run.settings)
    log.info(
        "%d trades, %.1f%% turnover, %.2f USD of costs, %d dropped",
        len(load_frame(trades.frame)),
        100 * trades.turnover,
        trades.cost_usd,
        len(trades.dropped),
    )
    return trades


@stage()
def revise_trades(
    run: Run, market: Market, portfolio: Portfolio, wanted: Mapping[str, int], *, plan_others: bool
) -> Trades:
    """Return trades in which a person set the change in shares of some names (positive: a buy; 0: no trade).

    With `plan_others`, the other names get the trades that the target calls for. Every trade is then cut to the limits,
    and none of those in `wanted` goes beyond its target. Without it, `wanted` must name all trades: other names get
    none, and no limit is applied. The checks of the day decide whether the result may be approved.
    """
    target, lines, rules = _sized(run, market, portfolio)
    place = {symbol: line for line, symbol in enumerate(line_symbols(target))}
    if unknown := [symbol for symbol, shares in wanted.items() if shares and symbol not in place]:
        raise SafetyError(
            f"{unknown[0]} can no longer be traded at a size set by hand.",
            remedy="Strike it instead of halving it.",
        )
    changes = {place[symbol]: shares for symbol, shares in wanted.items() if symbol in place}
    if plan_others:
        plan = plan_trades(lines, rules=rules, by_hand=changes)
    else:
        alone = {line: changes.get(line, 0) for line in place.values()}
        plan = resized(plan_trades(lines, rules=rules), lines, alone, rules)
    return _described(run, market, target, lines, plan, rules)


def _sized(run: Run, market: Market, portfolio: Portfolio) -> tuple[pd.DataFrame, Lines, TradeRules]:
    target = load_frame(portfolio.frame)
    lines = make_lines(
        target,
        portfolio.book,
        market.quarantined,
        exposure_cap=portfolio.exposure_cap,
        settings=run.settings,
        index_multiplier=portfolio.index_multiplier,
    )
    return target, lines, trade_rules_of(run.settings, max_buys_frac=portfolio.max_buys_frac)


def _described(
    run: Run, market: Market, target: pd.DataFrame, lines: Lines, plan: Plan, rules: TradeRules
) -> Trades:
    symbols = line_symbols(target)
    notes = target["note"].map(mark_simulated) if market.is_simulated else target["note"]
    buys_cents = int((plan.buys * lines.price_cents).sum())
    sells_cents = int((plan.sells * lines.price_cents).sum())
    return Trades(
        frame=save_frame(run, "trades", trades_frame(lines, plan, symbols, notes, rules)),
        after=save_frame(run, "book_after", book_after(lines, plan, symbols)),
        dropped=dropped_trades(lines, plan, symbols, rules),
        buy_notional_usd=buys_cents / 100,
        sell_notional_usd=sells_cents / 100,
        cost_usd=plan.cost_cents / 100,
        turnover=(buys_cents + sells_cents) / 2 / lines.equity_cents,
        cash_after_usd=cash_after_cents(lines, plan) / 100,
    )
