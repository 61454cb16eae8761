"""An execution as it is published: its document, its bridge, and the reconciliation after it."""

import logging
import sqlite3
from dataclasses import dataclass

from tasks.approval.unanswered import is_covered
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_after, session_on
from tasks.execution.before_sending.approved_day import read_revised
from tasks.execution.bridge.session import session_bridge
from tasks.execution.bridge.steps import Step
from tasks.execution.brokers.paper.stored_market import StoredMarket
from tasks.execution.execution import Execution
from tasks.execution.journal import booked_of, read_events
from tasks.execution.progress import Desk, Outcome, Progress
from tasks.execution.publication.document import Document, execution_document
from tasks.execution.reconciliation.schema import Reconciliation
from tasks.ledger.database import opened
from tasks.ledger.store import entries
from tasks.safety.overrides import Override, read_overrides

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Carried:
    """An execution after this run, and the reconciliation after it; None in a dry run."""

    progress: Progress
    document: Document
    reconciliation: Reconciliation | None
    is_dry: bool


def describe_execution(run: Run, progress: Progress) -> Carried:
    """Return the execution as it is stored, without asking the broker."""
    with opened(run.home) as connection:
        return Carried(progress, described(run, connection, progress, None, ()), None, is_dry=False)


def described(
    run: Run,
    connection: sqlite3.Connection,
    progress: Progress,
    found: Reconciliation | None,
    bridge: tuple[Step, ...],
    *,
    by_policy: bytes = b"",
) -> Document:
    """Return the document of an execution. `found` None: not reconciled; `by_policy`: rehearsed without an answer."""
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
        overrides=overrides_of(run.home, progress.execution),
        bridge=bridge,
        revision=0 if revised is None else revised.number,
    )


def bridge_of(
    desk: Desk, market: StoredMarket, progress: Progress, found: Reconciliation
) -> tuple[Step, ...]:
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


def overrides_of(home: Home, execution: Execution) -> list[Override]:
    """Return the overrides that hold; none if the audit log is damaged, and then nothing was sent either."""
    try:
        return [one for one in read_overrides(home) if one.is_active(execution.fill_session)]
    except SafetyError as error:
        log.warning("The overrides cannot be shown: %s", error.what)
        return []
