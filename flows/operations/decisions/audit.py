"""Verify the audit log, or accept it as it is in the name of a person."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from flows.terminal import Options, Result, with_home
from tasks.approval.plans.audit import check_plans
from tasks.approval.plans.recorded import PlanCheck, State
from tasks.core.chain.rows import Verdict
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.core.sessions import exchange_minute
from tasks.core.text import counted
from tasks.safety.audit import accept, describe_breaks, has_key, read_intact, verify

STATES: dict[State, str] = {
    "recorded": "recorded before the open",
    "late": "recorded after the open",
    "unrecorded": "not recorded",
    "changed": "changed",
    "absent": "recorded, but missing",
}


def verify_log(options: Options) -> Result:
    """Verify the hash chain, and every published day against what it recorded; a broken or changed one exits 3."""
    home = find_home(options.home)
    verdict = verify(home)
    planned = verify(home, log="plans")
    lines = [f"Audit log of {home.root}: {_summary(home, verdict)}"]
    lines += [f"  {with_home(line, options)}" for line in describe_breaks(home, verdict)]
    if planned.rows or planned.breaks:
        lines.append(f"Log of plans: {_summary(home, planned)}")
        lines += [f"  {with_home(line, options)}" for line in describe_breaks(home, planned, log="plans")]
    both = Verdict(verdict.rows, verdict.keyed, (*verdict.breaks, *planned.breaks))
    plans = [] if both.breaks else check_plans(home, read_intact(home, log="plans"), read_intact(home))
    return _result(home, both, "\n".join([*lines, *_described(plans)]), plans)


def accept_log(options: Options, *, by: str, reason: str) -> Result:
    """Append the row that accepts everything before it."""
    home = find_home(options.home)
    verdict = accept(home, by=by, reason=reason, at=now())
    return _result(home, verdict, f"Accepted by {by}: {_summary(home, verdict)}")


def _summary(home: Home, verdict: Verdict) -> str:
    keyed = (
        f"{verdict.keyed} of them authenticated with the audit key (HMAC)"
        if has_key(home)
        else "not authenticated: no audit key is set, so anyone who can write to the home can rewrite the log "
        "unnoticed (docs/safety.md#the-audit-log)"
    )
    if verdict.breaks:
        return f"{counted(len(verdict.breaks), 'break')} in {counted(verdict.rows, 'row')}"
    return f"{counted(verdict.rows, 'row')}, chain intact, {keyed}"


def _described(plans: Sequence[PlanCheck]) -> Iterator[str]:
    """Yield a line for each day: whether its files are those that were recorded, and when."""
    for plan in plans:
        times = [
            f"{what} {exchange_minute(at)}"
            for what, at in (("recorded", plan.recorded_at), ("approved", plan.approved_at))
            if at is not None
        ]
        yield f"  {plan.session}: {STATES[plan.state]}{f': {plan.why}' if plan.why else ''}; {', '.join(times)}".rstrip(
            "; "
        )
    if any(plan.state == "changed" for plan in plans):
        yield "Restore the changed days from a backup: their files are not those that the log recorded."


def _result(home: Home, verdict: Verdict, text: str, plans: Sequence[PlanCheck] | None = None) -> Result:
    document = {
        "home": str(home.root),
        "holds": not verdict.breaks,
        "rows": verdict.rows,
        "keyed": verdict.keyed,
        "has_key": has_key(home),
        "breaks": [asdict(found) for found in verdict.breaks],
    }
    if plans is not None:
        document["days"] = [_plan_document(plan) for plan in plans]
    is_changed = any(plan.state == "changed" for plan in plans or ())
    return Result(document, text, SafetyError.exit_code if verdict.breaks or is_changed else 0)


def _plan_document(plan: PlanCheck) -> dict[str, str | None]:
    times = {"recorded_at": plan.recorded_at, "approved_at": plan.approved_at}
    return {
        "session": str(plan.session),
        "state": plan.state,
        "why": plan.why,
        **{name: at.isoformat() if at else None for name, at in times.items()},
    }
