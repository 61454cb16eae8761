"""Verify the audit log, or accept it as it is in the name of a person."""

from dataclasses import asdict

from flows.terminal import Options, Result, with_home
from tasks.core.chain import Verdict
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.core.text import counted
from tasks.safety.audit import accept, describe_breaks, has_key, verify


def verify_log(options: Options) -> Result:
    """Verify the hash chain; a broken one exits 3."""
    home = find_home(options.home)
    verdict = verify(home)
    summary = f"Audit log of {home.root}: {_summary(home, verdict)}"
    return _result(
        home,
        verdict,
        "\n  ".join([summary, *(with_home(line, options) for line in describe_breaks(home, verdict))]),
    )


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


def _result(home: Home, verdict: Verdict, text: str) -> Result:
    document = {
        "home": str(home.root),
        "holds": not verdict.breaks,
        "rows": verdict.rows,
        "keyed": verdict.keyed,
        "has_key": has_key(home),
        "breaks": [asdict(found) for found in verdict.breaks],
    }
    return Result(document, text, SafetyError.exit_code if verdict.breaks else 0)
