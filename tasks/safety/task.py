"""The safety stages: check the whole day from its stored frames, and trip the kill switch by rule."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TypeVar

from config.settings import Settings
from tasks.core.artifacts import load_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import Market
from tasks.models.schema import Scores
from tasks.portfolio.schema import Book, Portfolio
from tasks.portfolio.stops import stop_window
from tasks.regime.schema import Regime
from tasks.safety.day_checks import audit_log_intact
from tasks.safety.equity_history import EquityHistory, read_equity_history
from tasks.safety.facts import PANEL_SESSIONS, Facts, read_quotes, split_cash, typed_trades
from tasks.safety.kill_switch.switch import read_switch, trip_switch
from tasks.safety.kill_switch.switch_file import REDUCING_CAUSES, Switch
from tasks.safety.outcome import Outcome
from tasks.safety.schema import Check, Checks, Halt
from tasks.safety.table import COULD_NOT_RUN, RISK_TRIGGERS, TRIGGERS, could_not_run, run_check, run_checks
from tasks.trades.schema import Trades

log = logging.getLogger(__name__)

F = TypeVar("F")


@dataclass(frozen=True)
class _BeforeTrades:
    session: date
    settings: Settings
    regime: Regime
    book: Book

    @property
    def equity_usd(self) -> float:
        return self.book.equity_usd


@stage()
def apply_halt_rules(run: Run, regime: Regime, portfolio: Portfolio) -> Halt:
    """Evaluate the rules that halt new risk before trades are made; return whether only reductions may be proposed."""
    before = _BeforeTrades(run.session.day, run.settings, regime, portfolio.book)
    _run_triggers(run, before, RISK_TRIGGERS)
    switch = read_switch(run.home)
    if switch.is_on:
        log.warning("The kill switch is %s", switch.description)
    return Halt(reductions_only=switch.allows_reductions)


@stage()
def check_day(
    run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades
) -> Checks:
    """Run every check and trigger. A trigger that is met trips the kill switch, which stays on."""
    try:
        facts = _gather(run, market, scores, regime, portfolio, trades)
    except Exception as error:  # noqa: BLE001 - a check that cannot run has failed
        return _verdict((could_not_run("what the checks read", error),), read_switch(run.home), buys=True)

    checks = (*run_checks(facts), run_check("audit_log", partial(audit_log_intact, run.home)))
    triggers = _run_triggers(run, facts, TRIGGERS)
    return _verdict(checks + triggers, read_switch(run.home), buys=bool((~facts.is_sale).any()))


def _gather(
    run: Run, market: Market, scores: Scores, regime: Regime, portfolio: Portfolio, trades: Trades
) -> Facts:
    stops = stop_window(run.settings.regime)
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
        quotes=read_quotes(
            read_prices(market.snapshot, window=max(PANEL_SESSIONS, stops.sessions)), stops=stops
        ),
        quarantined=frozenset(market.quarantined),
    )


def _run_triggers(
    run: Run, facts: F, triggers: tuple[tuple[str, Callable[[F, EquityHistory, date | None], Outcome]], ...]
) -> tuple[Check, ...]:
    """Run the triggers; each that is met trips the switch. One that could not run only blocks the day."""
    switch = read_switch(run.home)
    session = run.session.day
    active = {(trip.event.cause, trip.event.session) for trip in switch.trips}
    checks = []
    for name, trigger in triggers:
        acknowledged = switch.acknowledged_through(name)
        check = run_check(name, partial(_measure, trigger, run, facts, acknowledged))
        is_met = not check.passed and check.value != COULD_NOT_RUN
        if is_met and (name, session.isoformat()) not in active:
            reason = f"{name} {check.value}, limit {check.limit}"
            trip_switch(run.home, "check_day", reason, run.as_of, cause=name, session=session)
            log.warning("The kill switch was tripped: %s", reason)
        checks.append(replace(check, is_met_rule=is_met and name in REDUCING_CAUSES))
    return tuple(checks)


def _measure(
    trigger: Callable[[F, EquityHistory, date | None], Outcome], run: Run, facts: F, acknowledged: date | None
) -> Outcome:
    return trigger(facts, read_equity_history(run.home.performance_file), acknowledged)


def _verdict(checks: tuple[Check, ...], switch: Switch, *, buys: bool) -> Checks:
    """Add the switch itself to the checks."""
    reductions_only = switch.allows_reductions and not buys
    halted = Check(
        "kill_switch",
        not switch.is_on,
        switch.event.state,
        "clear",
        switch.description if switch.is_on else "",
        is_met_rule=reductions_only,
    )
    verdict = Checks((*checks, halted), switch.description, reductions_only)
    failed = [check.name for check in verdict.checks if not check.passed]
    log.info("%d checks, %s", len(verdict.checks), f"failed: {', '.join(failed)}" if failed else "all passed")
    return verdict
