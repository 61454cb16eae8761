"""Start an execution: store what a verified approval covers, so that later steps need no file of the day."""

from datetime import date, datetime

from tasks.approval.approval_log import decisions_about, revoked_signer
from tasks.approval.refusal import refusal
from tasks.approval.verification import Approved
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.sessions import session_after, session_on
from tasks.execution.execution import Execution, Stage
from tasks.safety.audit import read_intact


def new_execution(
    approved: Approved, at: datetime, *, broker: str = "", fills_from_bars: bool = False
) -> Execution:
    """Return the execution of an approval that was verified just now.

    It ends at the close of the fill session; a broker that fills from stored bars knows them only later, so there it
    ends at the next open. Raises SafetyError if the calendar has no such session.
    """
    envelope = approved.envelope
    session = date.fromisoformat(envelope.session)
    fills = session_on(session_after(session))
    next_open = session_on(session_after(fills.day)).opens_at
    if fills.opens_at is None or fills.closes_at is None or next_open is None:
        raise refusal("session", f"{fills} is not a session.", remedy="Report this: the calendar is damaged.")
    return Execution(
        session=session,
        approval_sha256=approved.approval_sha256,
        account=envelope.account,
        mode=envelope.mode,
        is_demo=envelope.demo,
        lines=envelope.lines,
        expires_at=datetime.fromisoformat(envelope.expires_at),
        fill_session=fills.day,
        opens_at=fills.opens_at,
        closes_at=fills.closes_at,
        ends_at=next_open if fills_from_bars else fills.closes_at,
        stage=Stage.ACTIVE,
        reason="",
        created_at=at,
        first_intent_at=None,
        broker=broker,
    )


def refuse_other_broker(execution: Execution, broker: str) -> None:
    """Raise SafetyError for another broker than the one that the execution began at.

    Two brokers in a home may have accounts of one name: what one does not know of the other's orders would be read as
    not there, and sent again.
    """
    if execution.broker not in {"", broker}:
        raise SafetyError(
            f"The execution of {execution.session} began at the broker {execution.broker}, not at {broker}.",
            remedy=f"Continue it there: `afterclose execute {execution.session} --broker {execution.broker} "
            "--no-dry-run`.",
            session=execution.session.isoformat(),
        )


def objection_to(home: Home, execution: Execution, *, is_logged: bool = True) -> str:
    """Return why the approval no longer holds: rejected, revoked, replaced, or a damaged log; "" if it does.

    `is_logged` False: what the no-answer policy covers is only rehearsed, and the log has no row of it yet. The files
    of the day are not read again: positions change by the execution's own fills.
    """
    try:
        rows = read_intact(home)
    except SafetyError as error:
        return error.what
    decided = decisions_about(execution.session, rows)
    if not (is_logged or decided.rejection):
        return ""
    if decided.approval_sha256 == execution.approval_sha256:
        return "" if decided.is_unanswered else revoked_signer(execution.session, rows)
    if decided.rejection is not None and not decided.approval_sha256:
        return f"{execution.session} was rejected by {decided.rejection.by}: {decided.rejection.reason}"
    return f"the audit log has another approval of {execution.session}, or none"
