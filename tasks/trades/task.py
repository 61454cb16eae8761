"""The trades stage: turn the target portfolio into a list of trades for a person to approve."""

import logging

from tasks.core.artifacts import load_frame, save_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.schema.records import Market
from tasks.portfolio.schema import Portfolio
from tasks.trades.check import check_trades
from tasks.trades.explanation import dropped_trades, trades_frame
from tasks.trades.frame import book_after, line_symbols, make_lines
from tasks.trades.plan import cash_after_cents, plan_trades
from tasks.trades.rules import trade_rules_of
from tasks.trades.schema import Trades

log = logging.getLogger(__name__)


@stage()
def propose_trades(run: Run, market: Market, portfolio: Portfolio) -> Trades:
    """Size, cut and price the trades from the current towards the target portfolio."""
    settings = run.settings
    target = load_frame(portfolio.frame)
    lines = make_lines(
        target,
        portfolio.book,
        market.quarantined,
        exposure_cap=portfolio.exposure_cap,
        settings=settings,
        index_multiplier=portfolio.index_multiplier,
    )
    symbols = line_symbols(target)
    rules = trade_rules_of(settings, max_buys_frac=portfolio.max_buys_frac)
    plan = plan_trades(lines, rules=rules)
    notes = target["note"].map(_simulated) if market.is_simulated else target["note"]
    frame = trades_frame(lines, plan, symbols, notes, rules)
    check_trades(frame, portfolio.book, target["adv_usd"], settings=settings)

    buys_cents = int((plan.buys * lines.price_cents).sum())
    sells_cents = int((plan.sells * lines.price_cents).sum())
    trades = Trades(
        frame=save_frame(run, "trades", frame),
        after=save_frame(run, "book_after", book_after(lines, plan, symbols)),
        dropped=dropped_trades(lines, plan, symbols, rules),
        buy_notional_usd=buys_cents / 100,
        sell_notional_usd=sells_cents / 100,
        cost_usd=plan.cost_cents / 100,
        turnover=(buys_cents + sells_cents) / 2 / lines.equity_cents,
        cash_after_usd=cash_after_cents(lines, plan) / 100,
    )
    log.info(
        "%d trades, %.1f%% turnover, %.2f USD of costs, %d dropped",
        len(frame),
        100 * trades.turnover,
        trades.cost_usd,
        len(trades.dropped),
    )
    return trades


def _simulated(note: str) -> str:
    """Prefix a trade's reason with a warning that any program that opens the file shows."""
    return f"simulated market; {note}" if note else "simulated market"
