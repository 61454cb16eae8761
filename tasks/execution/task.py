"""The stages of an execution: begin, carry forward, rehearse. What waits is stored; the next call continues."""

import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from pathlib import Path

from config.settings import Settings
from tasks.approval.day import published_day
from tasks.approval.refusal import refusal
from tasks.approval.schema import Line
from tasks.approval.store import APPROVAL, read_day
from tasks.approval.unanswered import is_covered, is_due
from tasks.approval.verification import Approved
from tasks.backtest.parity.recorded import parse_day
from tasks.backtest.parity.schema import RecordedDay
from tasks.core.clock import now
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import exchange_date, last_closed_session, session_after, session_on
from tasks.core.stage import stage
from tasks.execution.actions import Rules
from tasks.execution.before_sending.approved_day import ApprovedDay, read_approved_day, read_revised
from tasks.execution.before_sending.changed_names import booked_changes, changes_in, voids
from tasks.execution.before_sending.ready import make_checks
from tasks.execution.bridge.session import session_bridge
from tasks.execution.bridge.steps import Step
from tasks.execution.brokers.base import Broker
from tasks.execution.brokers.paper.stored_market import StoredMarket
from tasks.execution.brokers.registry import FILLS_FROM_BARS, begin_account, open_broker, stored_market
from tasks.execution.brokers.rehearsal import Rehearsal
from tasks.execution.checks import APPROVED_DAY, Admission, Facts, Gates, Verdict, WireGuard
from tasks.execution.ending.late_fills import late_sessions
from tasks.execution.execution import Execution
from tasks.execution.gates.live_opt_in import live_account, refuse_without_opt_in
from tasks.execution.journal import (
    active_sessions,
    booked_of,
    prepare,
    read_events,
    read_execution,
    read_orders,
    store_execution,
)
from tasks.execution.progress import Desk, Outcome, Progress, run_until
from tasks.execution.publication.document import Document, execution_document
from tasks.execution.publication.files import DOCUMENT, write_execution
from tasks.execution.reconciliation.market import read_market
from tasks.execution.reconciliation.own_orders import all_order_ids
from tasks.execution.reconciliation.reconciling import reconcile_locked
from tasks.execution.reconciliation.schema import Reconciliation
from tasks.execution.reductions import Reduction, reductions_by
from tasks.execution.schema import AT_BROKER, Order
from tasks.execution.start import new_execution, objection_to, refuse_other_broker
from tasks.ledger.anchor import is_begun as has_ledger
from tasks.ledger.database import LedgerConnection, opened
from tasks.ledger.positions_file import rebuild_positions
from tasks.ledger.store import entries
from tasks.portfolio.holdings.bookkeeping import Declaration, start_ledger
from tasks.safety.kill_switch import read_switch
from tasks.safety.overrides import Override, read_overrides

log = logging.getLogger(__name__)

DEMO_BROKER = "paper"


@dataclass(frozen=True)
class Carried:
    """An execution after this run, and the reconciliation after it; None in a dry run."""

    progress: Progress
    document: Document
    reconciliation: Reconciliation | None
    is_dry: bool


def is_begun(run: Run) -> bool:
    """Return whether the execution of the session has begun."""
    if not has_ledger(run.home):
        return False
    with opened(run.home) as connection:
        prepare(connection)
        return read_execution(connection, run.session.day) is not None


def has_ended(run: Run) -> bool:
    """Return whether the execution of the session has begun and ended."""
    if not is_begun(run):
        return False
    with opened(run.home) as connection:
        return run.session.day not in active_sessions(connection)


def due_sessions(home: Home, settings: Settings, at: datetime) -> list[date]:
    """Return the sessions being executed, oldest first, then the last closed one if it is to begin.

    It is if it was approved, or if nobody answered it in time and the no-answer policy is on.
    """
    sessions = []
    if has_ledger(home):
        with opened(home) as connection:
            sessions = list(active_sessions(connection))
    last = last_closed_session(at)
    folder = home.day_folder(last)
    if last.day in sessions or (folder / DOCUMENT).exists():
        return sessions
    if (folder / APPROVAL).exists() or (folder.exists() and is_due(home, settings, last, at)):
        sessions.append(last.day)
    return sessions


def sessions_with_late_fills(home: Home, settings: Settings, at: datetime) -> list[date]:
    """Return the recent sessions that ended with orders not filled in full: the broker may state fills later.

    A broker that fills from bars states all of them at once.
    """
    if not has_ledger(home) or settings.execution.broker in FILLS_FROM_BARS:
        return []
    with opened(home) as connection:
        return list(late_sessions(connection, exchange_date(at)))


def missing_bars(run: Run, at: datetime) -> date | None:
    """Return the fill session if the broker fills from its bars, it has closed, and the lake does not have it yet."""
    if run.settings.execution.broker not in FILLS_FROM_BARS or not is_begun(run) or has_ended(run):
        return None
    fills = session_on(session_after(run.session.day))
    if fills.closes_at is None or at < fills.closes_at:
        return None
    stored = stored_market(run.home, run.settings).last_session()
    return fills.day if stored is None or stored < fills.day else None


def refuse_open_execution(run: Run) -> None:
    """Raise SafetyError while the execution of an earlier session has not ended: its positions are not final."""
    if not has_ledger(run.home):
        return
    with opened(run.home) as connection:
        active = [
            session
            for session in active_sessions(connection)
            if session < run.session.day and not _is_settled(connection, session, now())
        ]
    if active:
        raise SafetyError(
            f"The execution of {active[0]} has not ended, so what is held is not final.",
            remedy=f"Continue it: `afterclose execute {active[0]} --no-dry-run`. An order that never becomes final is "
            "given up with --give-up.",
            session=active[0].isoformat(),
        )


def describe_execution(run: Run, progress: Progress) -> Carried:
    """Return the execution as it is stored, without asking the broker."""
    with opened(run.home) as connection:
        return Carried(progress, _document(run, connection, progress, None, ()), None, is_dry=False)


def _is_settled(connection: LedgerConnection, session: date, at: datetime) -> bool:
    """Return whether nothing of the execution can be filled any more, although it has not ended."""
    execution = read_execution(connection, session)
    is_over = execution is not None and at >= execution.ends_at
    return is_over and not any(one.state in AT_BROKER for one in read_orders(connection, session))


@stage()
def begin_execution(run: Run, approved: Approved, at: datetime) -> None:
    """Store what the approval covers. A home without a ledger, or without its paper account, begins them.

    From here on the day is decided: execution.json exists.
    """
    home, envelope = run.home, approved.envelope
    refuse_without_opt_in(
        envelope.mode,
        envelope.account,
        allows_live=run.settings.execution.allows_live,
        named=live_account(),
    )
    with exclusive(home.lock_file, doing="execute"), exclusive(home.portfolio_lock, doing="execute"):
        stored = _begin(run, approved, _recorded(run, approved), at)
        published = home.day_folder(run.session) / DOCUMENT
        if not published.exists():  # another process may have written all of it
            write_execution(home, run.session, {"session": str(run.session), "stage": str(stored.stage)})
    log.info("%s: execution begun at the broker %s", run.session, run.settings.execution.broker)


@stage()
def carry_execution(run: Run, *, longest_wait: timedelta, sleep: Callable[[float], None]) -> Carried:
    """Reconcile, take every step that can be taken, and reconcile again. The kill switch is asked before each order."""
    market = stored_market(run.home, run.settings)
    with exclusive(run.home.portfolio_lock, doing="execute"), _desk(run, run.home, market) as desk:
        reconcile_locked(run.home, run.settings, desk.broker, now())
        progress = run_until(desk, run.session.day, longest_wait=longest_wait, sleep=sleep)
        found = reconcile_locked(run.home, run.settings, desk.broker, now())
        rebuild_positions(run.home)
        document = _document(run, desk.connection, progress, found, _bridge(desk, market, progress, found))
    log.info("%s: %s, %s", run.session, progress.outcome, progress.why)
    return Carried(progress, document, found, is_dry=False)


@stage()
def rehearse_execution(run: Run, approved: Approved | None = None) -> Carried:
    """Take the same steps on a copy of the ledger, at a broker that is only asked. `approved`: not begun yet."""
    with tempfile.TemporaryDirectory(prefix="afterclose-rehearsal-") as folder:
        copy = _copied(run.home, Home(Path(folder)))
        copied = Run(copy, run.session, run.as_of, run.settings)
        if approved is not None:
            _begin(copied, approved, _recorded(run, approved), now())
        market = stored_market(run.home, run.settings)
        by_policy = b"" if approved is None else approved.by_policy
        with _desk(run, copy, market, rehearses=True, by_policy=by_policy) as desk:
            reconcile_locked(copy, run.settings, desk.broker, now())
            progress = run_until(desk, run.session.day, longest_wait=timedelta(0), sleep=lambda _: None)
            document = _document(run, desk.connection, progress, None, (), by_policy=by_policy)
    return Carried(progress, document, None, is_dry=True)


def _begin(run: Run, approved: Approved, day: RecordedDay, at: datetime) -> Execution:
    settings, home = run.settings, run.home
    if (
        approved.envelope.demo and settings.execution.broker != DEMO_BROKER
    ):  # where no gate would pass an order
        raise ConfigError(
            f"The prices of a simulated market are invented: {settings.execution.broker} executes none of its trades.",
            remedy=f"Execute them at the paper broker: `afterclose execute {run.session} --broker {DEMO_BROKER}`.",
        )
    opening = Declaration(" and ".join(approved.approvers), "the ledger begins", run.session.day, at)
    start_ledger(home, initial_cash_usd=settings.portfolio.initial_cash_usd, declared=opening)
    held = {symbol: Decimal(repr(shares)) for symbol, shares in day.held.items()}
    begin_account(home, settings, held, day.cash_cents, session=run.session.day, at=at)
    broker = settings.execution.broker
    execution = new_execution(approved, at, broker=broker, fills_from_bars=broker in FILLS_FROM_BARS)
    with opened(home) as connection:
        return store_execution(connection, execution)


def _recorded(run: Run, approved: Approved) -> RecordedDay:
    """Return what the approved day held. Raises SafetyError if its files are not the approved ones."""
    _, manifest, files = read_day(run.home, run.session)
    if sha256_of_bytes(manifest) != sha256_of_bytes(approved.manifest):
        raise refusal(
            "manifest", f"{run.session}: manifest.json was replaced.", remedy="Restore the day from a backup."
        )
    published_day(run.session.day, manifest, files)
    day = parse_day(run.session.day, files, basis=None)
    if isinstance(day, str):
        raise refusal("day", f"{run.session}: {day}.", remedy="Run the day again and approve it again.")
    return day


@contextmanager
def _desk(
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
            objection=lambda execution: objection_to(run.home, execution, is_logged=not by_policy),
            clock=now,
            reductions=_reductions_of(run, connection, day),
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
    active = _overrides(home, execution)
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


def _bridge(desk: Desk, market: StoredMarket, progress: Progress, found: Reconciliation) -> tuple[Step, ...]:
    """Return the bridge of an ended execution; none before its session's bars are stored, or after the next open."""
    execution, stored = progress.execution, market.last_session()
    next_open = session_on(session_after(execution.fill_session)).opens_at
    if (
        progress.outcome is not Outcome.ENDED
        or not progress.orders
        or found.equity_cents is None
        or stored is None
        or stored < execution.fill_session
        or next_open is None
        or not execution.closes_at <= now() < next_open
    ):
        return ()
    revised = read_revised(desk.home, session_on(execution.session), execution.approval_sha256)
    return session_bridge(
        execution,
        progress.orders,
        {one.order.order_id: booked_of(desk.connection, one.order) for one in progress.orders},
        entries(desk.connection),
        market,
        desk.costs,
        broker_equity_cents=found.equity_cents,
        published=None if revised is None else revised.published,
    )


def _document(
    run: Run,
    connection: sqlite3.Connection,
    progress: Progress,
    found: Reconciliation | None,
    bridge: tuple[Step, ...],
    *,
    by_policy: bytes = b"",
) -> Document:
    booked = {one.order.order_id: booked_of(connection, one.order) for one in progress.orders}
    revised = read_revised(run.home, run.session, progress.execution.approval_sha256)
    return execution_document(
        progress,
        booked,
        read_events(connection, run.session.day),
        found,
        broker=run.settings.execution.broker,
        is_unanswered=bool(by_policy)
        or is_covered(run.home, run.session, progress.execution.approval_sha256),
        overrides=_overrides(run.home, progress.execution),
        bridge=bridge,
        revision=0 if revised is None else revised.number,
    )


def _overrides(home: Home, execution: Execution) -> list[Override]:
    """Return the overrides that hold; none if the audit log is damaged, and then nothing was sent either."""
    try:
        return [one for one in read_overrides(home) if one.is_active(execution.fill_session)]
    except SafetyError as error:
        log.warning("The overrides cannot be shown: %s", error.what)
        return []


def _copied(home: Home, copy: Home) -> Home:
    """Copy what an execution reads and writes of a home, apart from the day, the switch and the audit log."""
    for path in (home.marker_file, home.positions_file, home.ledger_anchor):
        if path.exists():
            target = copy.root / path.relative_to(home.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for path in (home.ledger_file, home.paper_account):
        if path.exists():
            target = copy.root / path.relative_to(home.root)
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as made:
                source.backup(made)
    if home.lake.is_dir():
        copy.lake.symlink_to(home.lake)
    return copy
