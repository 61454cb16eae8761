"""The error for every reason to refuse an approval; `reason` is a stable word for scripts and tests."""

from typing import Literal

from tasks.core.errors import SafetyError

Reason = Literal[
    "account",
    "approval",
    "approver",
    "code",
    "config",
    "day",
    "decided",
    "expired",
    "halted",
    "log",
    "manifest",
    "missing",
    "mode",
    "persons",
    "positions",
    "rejected",
    "revision",
    "revoked",
    "session",
    "signature",
    "terms",
    "time",
    "trades",
]


def refusal(reason: Reason, what: str, *, remedy: str, **fields: object) -> SafetyError:
    """Return the SafetyError to raise."""
    return SafetyError(what, remedy=remedy, reason=reason, **fields)
