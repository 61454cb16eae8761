"""Open everything that the steps of one execution work with: ledger, broker, gates, wire guard, objections."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial

from config.settings import Settings
from tasks.approval.schema import Line
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_after, session_on
from tasks.execution.before_sending.approved_day import ApprovedDay, read_approved_day
from tasks.execution.before_sending.changed_names import booked_changes, changes_in, voids
from tasks.execution.before_sending.ready import make_checks
from tasks.execution.brokers.base import Broker
from tasks.execution.brokers.paper.stored_market import StoredMarket
from tasks.execution.brokers.registry import FILLS_FROM_BARS, open_broker
from tasks.execution.brokers.rehearsal import Rehearsal
from tasks.execution.checks import APPROVED_DAY, Admission, Facts, Gates, Verdict, WireGuard
from tasks.execution.deciding.actions import Rules
from tasks.execution.deciding.reductions import Reduction, reductions_by
from tasks.execution.execution import Execution
from tasks.execution.journal import prepare, read_execution
from tasks.execution.progress import Desk
from tasks.execution.reconciliation.market import read_market
from tasks.execution.reconciliation.own_orders import all_order_ids
from tasks.execution.running.carried import overrides_of
from tasks.execution.running.objections import Objections
from tasks.execution.schema import Order
from tasks.execution.start import refuse_other_broker
from tasks.ledger.database import LedgerConnection, opened
from tasks.safety.kill_switch.switch import read_switch


@contextmanager
def opened_desk(
    run: Run, ledger_home: Home, market: StoredMarket, *, rehearses: bool = False, by_policy: bytes = b""
) -> Iterator[Desk]:
    """Yield everything that a step works with. Ledger and paper account are those of `ledger_home`."""
    settings, session = run.settings, run.session.day
    with opened(ledger_home) as connection:
        execution = _stored_execution(connection, session)
        refuse_other_broker(execution, settings.execution.broker)
        broker: Broker = open_broker(
            ledger_home,
            settings,
            market,
            fill_session=session_after(session),
            clock=now,
            is_ours=lambda order_id: order_id in all_order_ids(connection),
        )
        if rehearses:
            opens_at = session_on(session_after(session)).opens_at
            broker = Rehearsal(broker, opens_at=opens_at or now())
        gates, guard, day = _checks(run, connection, broker, execution, by_policy)
        yield Desk(
            home=run.home,
            connection=connection,
            broker=broker,
            rules=rules_of(settings, has_unique_ids=broker.has_unique_ids, rehearses=rehearses),
            costs=partial(market.costs_after, session),
            gates=gates,
            wire_guard=guard,
            switch=lambda: read_switch(run.home),
            objection=Objections(run.home, is_logged=not by_policy),
            clock=now,
            reductions=_reductions_of(run, connection, day),
        )


def rules_of(settings: Settings, *, has_unique_ids: bool, rehearses: bool = False) -> Rules:
    """Return how orders are placed and waited for, as the settings say."""
    execution = settings.execution
    return Rules(
        timing=execution.timing,
        collar_frac=Decimal(str(execution.limit_collar_frac)),
        deadline=timedelta(minutes=execution.deadline_minutes),
        poll=timedelta(seconds=execution.poll_s),
        has_unique_ids=has_unique_ids,
        fills_from_bars=execution.broker in FILLS_FROM_BARS,
        rehearses=rehearses,
    )


def _reductions_of(
    run: Run, connection: sqlite3.Connection, day: ApprovedDay | None
) -> Callable[[Execution], Mapping[int, Reduction]]:
    """Return what asks for the reductions of the lines; the lake is read once, overrides and ledger each time."""

    @cache
    def in_lake(execution: Execution) -> Mapping[str, str]:
        symbols = {line.symbol for line in execution.lines}
        first = execution.session + timedelta(days=1)
        last = execution.fill_session
        return changes_in(read_market(run.home, run.settings, symbols, since=first, today=last, quotes={}))

    def reductions(execution: Execution) -> Mapping[int, Reduction]:
        booked = booked_changes(connection, after=execution.session, through=execution.fill_session)
        changed = voids(execution.lines, {**booked, **in_lake(execution)})
        return {**_overridden(run.home, day, execution), **changed}

    return reductions


def _overridden(home: Home, day: ApprovedDay | None, execution: Execution) -> Mapping[int, Reduction]:
    """Return what the overrides leave of the lines. If they cannot be read, the gates pass nothing."""
    if day is None:
        return {}
    active = overrides_of(home, execution)
    return reductions_by(active, execution.lines, sectors=day.sectors, strategy=day.strategy)


def _stored_execution(connection: LedgerConnection, session: date) -> Execution:
    prepare(connection)
    execution = read_execution(connection, session)
    if execution is None:
        raise SafetyError(
            f"{session} is not being executed.",
            remedy=f"Start it: `afterclose execute {session} --no-dry-run`.",
        )
    return execution


def _checks(
    run: Run, connection: LedgerConnection, broker: Broker, execution: Execution, by_policy: bytes
) -> tuple[Gates, WireGuard, ApprovedDay | None]:
    """Return the checks before sending; they pass nothing if the day's files are not the approved ones any more."""
    try:
        day = read_approved_day(run.home, run.session, execution.approval_sha256, by_policy=by_policy)
    except SafetyError as error:
        closed = Closed(error.what)
        return closed, closed, None
    gates, guard = make_checks(run.home, connection, broker, run.settings, execution, day, clock=now)
    return gates, guard, day


@dataclass(frozen=True)
class Closed:
    """Checks that pass nothing: what is open is still looked up, booked and canceled."""

    why: str

    def admission(self, facts: Facts) -> Admission:  # noqa: ARG002
        return Admission("nothing", APPROVED_DAY, self.why)

    def check(self, order: Order, line: Line, facts: Facts) -> Verdict:  # noqa: ARG002
        return Verdict("wait", APPROVED_DAY, self.why)

    def __call__(self, order: Order, line: Line, facts: Facts) -> str:  # noqa: ARG002
        return self.why
