"""The audit log by hand: verify it, or let a person vouch for it as it stands."""

from dataclasses import asdict

from flows.terminal import Options, Result
from tasks.core.chain import Verdict
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.safety.audit import accept, describe_breaks, has_key, verify


def verify_log(options: Options) -> Result:
    """Say how many rows hold; a chain that does not hold exits 3."""
    home = find_home(options.home)
    verdict = verify(home)
    said = f"Audit log of {home.root}: {_says(home, verdict)}"
    return _result(home, verdict, "\n  ".join([said, *describe_breaks(home, verdict)]))


def accept_log(options: Options, *, by: str, reason: str) -> Result:
    """Append the row that vouches for everything before it."""
    home = find_home(options.home)
    verdict = accept(home, by=by, reason=reason, at=now())
    return _result(home, verdict, f"Accepted by {by}: {_says(home, verdict)}")


def _says(home: Home, verdict: Verdict) -> str:
    keyed = (
        f"{verdict.keyed} of them keyed"
        if has_key(home)
        else "not keyed: who can write the home can rewrite the log unnoticed (docs/safety.md#the-audit-log)"
    )
    if verdict.breaks:
        return f"{len(verdict.breaks)} breaks in {verdict.rows} rows"
    return f"{verdict.rows} rows hold together, {keyed}"


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
