"""The checks of what trading needs: portfolio, ledger, kill switch, permissions, waiting executions, and the logs."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from flows.operations.homes.checked import CheckedHome, CheckResult
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.run import Run
from tasks.core.homes.setup import is_set_up
from tasks.core.sessions import Session, exchange_minute, session_on
from tasks.core.text import counted, dollars

if TYPE_CHECKING:
    from tasks.approval.standing import Standing


def _portfolio(checked: CheckedHome) -> CheckResult:
    from tasks.portfolio.holdings.record import positions_of, refuse_short_history

    held = positions_of(checked.home, initial_cash_usd=checked.settings.portfolio.initial_cash_usd)
    refuse_short_history(checked.home, None)
    return CheckResult(
        "portfolio", "ok", f"{counted(len(held.positions), 'position')}, {dollars(held.cash_usd)} in cash"
    )


def _ledger(checked: CheckedHome) -> CheckResult:
    from tasks.ledger.anchor import is_begun
    from tasks.ledger.database import opened, refuse_damaged
    from tasks.ledger.store import entries

    if not is_begun(checked.home):
        return CheckResult("ledger", "ok", "none yet; begins with the first execution, import or deposit")
    with opened(checked.home) as connection:
        booked = entries(connection)
        refuse_damaged(connection)
    return CheckResult("ledger", "ok", f"{counted(len(booked), 'entry', 'entries')}, chain intact")


def _kill_switch(checked: CheckedHome) -> CheckResult:
    from tasks.safety.kill_switch.switch import read_switch, reset_command

    switch = read_switch(checked.home)
    if not is_set_up(checked.home) and not checked.home.kill_switch_file.exists():
        return CheckResult("kill switch", "ok", "none yet; created with the home")
    if switch.is_on:
        remedy = f"When the cause is understood: {reset_command(checked.home, switch)}"
        return CheckResult("kill switch", "fail", switch.description, remedy, SafetyError.exit_code)
    return CheckResult("kill switch", "ok", "clear")


def _notifications(checked: CheckedHome) -> CheckResult:
    from tasks.reporting.notify.outbox.store import Outbox

    box = Outbox(checked.home)
    waiting, dead, damaged = box.entries(), box.dead_entries(), box.unreadable()
    if dead or damaged:
        lost = [f"{entry.channel} to {entry.recipient}: {entry.error}" for entry in dead]
        lost += [f"damaged file {name}" for name in damaged]
        message = (
            f"{counted(len(dead) + len(damaged), 'message')} not delivered; {'; '.join(dict.fromkeys(lost))}"
        )
        remedy = "Fix the cause, then: afterclose notify flush. Or delete data/outbox/dead, and damaged files"
        return CheckResult("notifications", "warn", message, remedy)
    failed = [entry for entry in waiting if entry.attempts]
    if failed:
        message = f"{counted(len(failed), 'message')} not delivered yet: {failed[0].error}"
        return CheckResult("notifications", "warn", message, "Fix the cause, then: afterclose notify flush")
    if not checked.settings.notifications.has_channel:
        return CheckResult("notifications", "ok", "none configured (docs/notifications.md)")
    return CheckResult("notifications", "ok", f"configured; {counted(len(waiting), 'message')} waiting")


def _audit_log(checked: CheckedHome) -> CheckResult:
    from tasks.safety.audit import describe_breaks, has_key, verify

    verdict = verify(checked.home)
    if verdict.breaks:
        *breaks, remedy = describe_breaks(checked.home, verdict)
        return CheckResult("audit log", "fail", "; ".join(breaks), remedy, SafetyError.exit_code)
    state = (
        "authenticated with the audit key"
        if has_key(checked.home)
        else "not authenticated: no audit key is set (docs/safety.md#the-audit-log)"
    )
    return CheckResult("audit log", "ok", f"{counted(verdict.rows, 'row')}, chain intact, {state}")


def _trial_ledger(checked: CheckedHome) -> CheckResult:
    from tasks.selection.trials.ledger import REMEDY, read_contents

    contents = read_contents(checked.home)
    if contents.problems:
        message = "; ".join(contents.problems)
        return CheckResult("trial ledger", "fail", message, REMEDY, SafetyError.exit_code)
    return CheckResult("trial ledger", "ok", f"{counted(contents.count, 'trial')}, chain intact")


def _flows(checked: CheckedHome) -> CheckResult:
    from tasks.safety.flow_permissions import read_permits

    halted = [one for one in read_permits(checked.home) if one.permission != "run"]
    if halted:
        message = "; ".join(f"{one.flow}: {one.description}" for one in halted)
        return CheckResult("flows", "warn", message, _allow(one.flow for one in halted))
    return CheckResult("flows", "ok", "every flow may run")


def _allow(flows: Iterable[str]) -> str:
    return "; ".join(f"To allow it: afterclose flows run {flow} --by NAME --reason TEXT" for flow in flows)


def _approval(checked: CheckedHome) -> CheckResult:
    """Return whether the last published day waits for a person, and until when; no older one can be approved."""
    from tasks.approval.standing import read_standing

    last = _last_published(checked)
    if last is None:
        return CheckResult("approval", "ok", "no day published yet")
    run = _run_of(checked, last)
    standing = read_standing(run, now())
    if standing.refusal is not None and last not in checked.home.days():
        message = f"{last} was published, but live/{last} is missing"
        return CheckResult("approval", "warn", message, standing.refusal.remedy)
    return _decision(run.session, standing)


def _last_published(checked: CheckedHome) -> date | None:
    """Return the last published day: its directory may be lost, but the log of plans and the ledger know it."""
    from tasks.approval.plans.recorded import recorded_sessions
    from tasks.ledger.executions import executed_sessions
    from tasks.safety.audit import read_intact

    recorded = recorded_sessions(read_intact(checked.home, log="plans"))
    return max({*checked.home.days(), *recorded, *executed_sessions(checked.home)}, default=None)


def _run_of(checked: CheckedHome, day: date) -> Run:
    session = session_on(day)
    return Run(checked.home, session, session.closes_at or now(), checked.settings)


def _decision(session: Session, standing: "Standing") -> CheckResult:
    if standing.refusal is not None:
        is_over = standing.refusal.fields.get("reason") in {"expired", "decided"}
        remedy = "" if is_over else standing.refusal.remedy
        return CheckResult("approval", "ok" if is_over else "warn", standing.refusal.what, remedy)
    if standing.envelope is None or not standing.envelope.lines:
        done = "its execution has begun" if standing.state == "executed" else "it proposes no trades"
        return CheckResult("approval", "ok", f"{session}: {done}")
    if standing.lost is not None:
        return CheckResult("approval", "warn", standing.lost.what, standing.lost.remedy)
    until = exchange_minute(datetime.fromisoformat(standing.envelope.expires_at))
    signed = f"signed by {' and '.join(standing.signed_by)}"
    if standing.state == "approved":
        return CheckResult(
            "approval", "ok", f"{session}: {signed}; its execution has to begin before {until}"
        )
    if standing.rejection is not None:
        return CheckResult("approval", "ok", f"{session}: rejected by {standing.rejection.by}")
    so_far = f"; {signed}, another signature is needed" if standing.signed_by else ""
    message = f"{session} is waiting for approval, until {until}{so_far}"
    return CheckResult("approval", "warn", message, f"Read and decide: afterclose review {session}")


def _execution(checked: CheckedHome) -> CheckResult:
    from tasks.execution.running.in_progress import due_sessions

    due = due_sessions(checked.home, checked.settings, now())
    if not due:
        return CheckResult("execution", "ok", "nothing is waiting to be executed")
    for day in due:
        if (refused := _obstacle(_run_of(checked, day))) is not None:
            return CheckResult("execution", "warn", f"cannot be executed: {refused.what}", refused.remedy)
    message = f"waits: {', '.join(map(str, due))}"
    return CheckResult("execution", "warn", message, f"Continue: afterclose execute {due[0]} --no-dry-run")


def _obstacle(run: Run) -> SafetyError | None:
    """Return why `execute` could not send the orders of the session now; None if it could."""
    from tasks.approval.task import authorize_execution
    from tasks.execution.running.in_progress import is_begun, refuse_changed_day

    try:
        if is_begun(run):
            refuse_changed_day(run)
        else:
            authorize_execution(run, now())
    except SafetyError as refused:
        return refused
    return None


TRADING_CHECKS: dict[str, Callable[[CheckedHome], CheckResult]] = {
    "portfolio": _portfolio,
    "ledger": _ledger,
    "kill switch": _kill_switch,
    "flows": _flows,
    "approval": _approval,
    "execution": _execution,
    "notifications": _notifications,
    "audit log": _audit_log,
    "trial ledger": _trial_ledger,
}
