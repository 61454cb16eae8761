"""The backtest stage of the daily run: compare the day and earlier published days with a backtest."""

import logging
from dataclasses import replace

import numpy as np

from config.settings import config_hash
from tasks.backtest.build import known_companies
from tasks.backtest.parity.compare import compare_days, data_of, printed_weights, sessions_read
from tasks.backtest.parity.recorded import read_recorded
from tasks.backtest.parity.schema import ComparedDay, Parity, RecordedDay, Trade
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_revisions, read_world
from tasks.core.artifacts import load_frame
from tasks.core.errors import AftercloseError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_record
from tasks.core.stage import stage
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.schema.records import Market, SnapshotRef
from tasks.models.schema import Scores
from tasks.models.skill import score_to_return
from tasks.portfolio.schema import CASH, Portfolio
from tasks.regime.schema import Regime
from tasks.safety.schema import Halt
from tasks.trades.schema import Trades

log = logging.getLogger(__name__)

SESSIONS = 20  # today and those before it


@stage()
def compare_with_backtest(
    run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades, halt: Halt
) -> ComparedDay:
    """Return the inputs of the day's decision, and its comparison with a backtest on data read again from the lake.

    If the comparison is not possible, that is a result, not an error: it does not affect the trades.
    """
    today = recorded_today(run, scores, regime, portfolio, trades, halt)
    basis = sha256_of_record([config_hash(run.settings), code_fingerprint(CODE_ROOT)])
    try:
        today, parity = _compared(run, market.snapshot, today, basis)
    except AftercloseError as error:
        parity = Parity((), (), (), None, "", problem=error.what)
    log.info("backtest of %d sessions: %s", len(parity.sessions), parity.state.replace("_", " "))
    return ComparedDay(today, basis, parity)


def recorded_today(
    run: Run, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades, halt: Halt
) -> RecordedDay:
    """Return the record of this day, as a later day will read it from its files."""
    target, lines = load_frame(portfolio.frame)["weight"].drop(CASH), load_frame(trades.frame)
    held = portfolio.book.holdings
    proposed = {
        str(row["symbol"]): Trade(
            str(row["side"]),
            int(row["shares"]),
            round(row["price"] * 100),
            round(row["commission_est"] * 100) + round(row["slippage_est"] * 100),
        )
        for row in lines.to_dict("records")
    }
    given = load_frame(scores.frame)["score"]
    return RecordedDay(
        session=run.session.day,
        held={holding.symbol: holding.shares for holding in held},
        price_cents={holding.symbol: round(holding.price * 100) for holding in held},
        cash_cents=round(portfolio.book.cash_usd * 100),
        weights=printed_weights([(str(symbol), float(weight)) for symbol, weight in target.items()]),
        trades=proposed,
        scores={str(symbol): float(score) for symbol, score in given.items()},
        optimizer=scores.champion.optimizer,
        ranks=scores.champion.ranks,
        score_to_return=score_to_return(scores.champion),
        state=regime.state,
        volatility_pct=float(regime.inputs.get("volatility_pct", np.nan)),
        reductions_only=halt.reductions_only,
    )


def _compared(run: Run, snapshot: SnapshotRef, today: RecordedDay, basis: str) -> tuple[RecordedDay, Parity]:
    recorded = read_recorded(run.home, run.session.day, sessions=SESSIONS - 1, basis=basis)
    days = [*recorded.days, today]
    # one more session than is used: what became known about older ones falls on the first row
    window = SESSIONS + sessions_read(run.settings) + 1
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS, window=window)
    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
    parity = compare_days(
        world, companies, days, run.settings, skipped=recorded.skipped, recorded_sha256=recorded.sha256
    )
    read = data_of(world, len(world.sessions) - 1, run.settings)
    return replace(today, data=read), parity
