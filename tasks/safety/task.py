"""The safety stage: judge the whole day again from what was stored; halt trading when the record says so."""

import logging
from datetime import date
from functools import partial

from tasks.core.artifacts import load_frame
from tasks.core.run import Run
from tasks.core.stage import stage
from tasks.data.panel_reader import read_prices
from tasks.data.schema import Market
from tasks.models.schema import Scores
from tasks.portfolio.schema import Portfolio
from tasks.regime.schema import Regime
from tasks.safety.day_checks import unbroken_log
from tasks.safety.facts import PANEL_SESSIONS, Facts, read_quotes, split_cash, typed_trades
from tasks.safety.kill_switch import read_switch, trip_switch
from tasks.safety.outcome import Outcome
from tasks.safety.performance import read_performance
from tasks.safety.schema import Check, Checks
from tasks.safety.switch_file import Switch
from tasks.safety.table import COULD_NOT_RUN, TRIGGERS, Trigger, could_not_run, judged, run_checks
from tasks.trades.schema import Trades

log = logging.getLogger(__name__)


@stage()
def check_day(
    run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades
) -> Checks:
    """Run every check and every trigger. A trigger that is met trips the kill switch, which stays on."""
    try:
        facts = _gather(run, market, scores, regime, portfolio, trades)
    except Exception as error:  # noqa: BLE001 - S4: what cannot be judged has failed
        return _verdict((could_not_run("what the checks read", error),), read_switch(run.home))

    checks = (*run_checks(facts), judged("audit_log", partial(unbroken_log, run.home)))
    triggers, switch = _pull_triggers(run, facts)
    return _verdict(checks + triggers, switch)


def _gather(
    run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades
) -> Facts:
    target, target_cash = split_cash(load_frame(portfolio.frame))
    return Facts(
        session=run.session.day,
        snapshot_session=market.snapshot.session,
        settings=run.settings,
        regime=regime,
        champion=scores.champion,
        scores=load_frame(scores.frame),
        target=target,
        target_cash=target_cash,
        trades=typed_trades(load_frame(trades.frame)),
        after=load_frame(trades.after),
        book=portfolio.book,
        quotes=read_quotes(read_prices(market.snapshot, window=PANEL_SESSIONS)),
        quarantined=frozenset(market.quarantined),
    )


def _pull_triggers(run: Run, facts: Facts) -> tuple[tuple[Check, ...], Switch]:
    """Measure the triggers; each that is met trips the switch. One that could not run blocks the day and no more."""
    switch = read_switch(run.home)
    checks = tuple(
        judged(name, partial(_measure, trigger, run, facts, switch.acknowledged_through(name)))
        for name, trigger in TRIGGERS
    )
    session = run.session.day
    standing = {(trip.event.cause, trip.event.session) for trip in switch.trips}
    for check in checks:
        is_met = not check.passed and check.value != COULD_NOT_RUN
        if is_met and (check.name, session.isoformat()) not in standing:
            reason = f"{check.name} {check.value}, limit {check.limit}"
            switch = trip_switch(run.home, "check_day", reason, run.as_of, cause=check.name, session=session)
            log.warning("The kill switch was tripped: %s", reason)
    return checks, switch


def _measure(trigger: Trigger, run: Run, facts: Facts, acknowledged: date | None) -> Outcome:
    return trigger(facts, read_performance(run.home.performance_file), acknowledged)


def _verdict(checks: tuple[Check, ...], switch: Switch) -> Checks:
    """Add the switch itself to the checks, so that nobody can overlook it."""
    halted = Check(
        "kill_switch", not switch.is_on, switch.event.state, "clear", switch.says if switch.is_on else ""
    )
    verdict = Checks((*checks, halted), switch.says)
    failed = [check.name for check in verdict.checks if not check.passed]
    log.info("%d checks, %s", len(verdict.checks), f"failed: {', '.join(failed)}" if failed else "all passed")
    return verdict
