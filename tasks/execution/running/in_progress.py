"""What in a home is being executed, is waiting, or may be executed: read from its ledger and its days."""

from datetime import date, datetime

from config.settings import Settings
from tasks.approval.store import APPROVAL
from tasks.approval.unanswered import is_due
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import exchange_date, last_closed_session, session_after, session_on
from tasks.execution.before_sending.approved_day import read_approved_day
from tasks.execution.brokers.registry import FILLS_FROM_BARS, stored_market
from tasks.execution.ending.late_fills import late_sessions
from tasks.execution.journal import active_sessions, prepare, read_execution, read_orders
from tasks.execution.publication.files import DOCUMENT
from tasks.execution.schema import AT_BROKER
from tasks.ledger.anchor import is_begun as has_ledger
from tasks.ledger.database import LedgerConnection, opened
from tasks.ledger.executions import has_execution


def is_begun(run: Run) -> bool:
    """Return whether the execution of the session has begun."""
    return has_execution(run.home, run.session.day)


def refuse_changed_day(run: Run) -> None:
    """Raise SafetyError if the directory of a session in execution is lost, or is not the one that was approved."""
    with opened(run.home) as connection:
        prepare(connection)
        execution = read_execution(connection, run.session.day)
    if execution is not None:
        read_approved_day(run.home, run.session, execution.approval_sha256)


def has_ended(run: Run) -> bool:
    """Return whether the execution of the session has begun and ended."""
    if not is_begun(run):
        return False
    with opened(run.home) as connection:
        return run.session.day not in active_sessions(connection)


def due_sessions(home: Home, settings: Settings, at: datetime) -> list[date]:
    """Return the sessions being executed, oldest first, then the last closed one if it is to begin.

    True if it was approved, or if nobody answered it in time and the no-answer policy is on.
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


def _is_settled(connection: LedgerConnection, session: date, at: datetime) -> bool:
    """Return whether nothing of the execution can be filled any more, although it has not ended."""
    execution = read_execution(connection, session)
    is_over = execution is not None and at >= execution.ends_at
    return is_over and not any(one.state in AT_BROKER for one in read_orders(connection, session))
