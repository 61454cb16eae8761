"""The outcome of a gate, with value and limit as text for a person."""

from typing import NamedTuple

Outcome = tuple[bool, str, str, str]  # of a gate: whether it passed, value, limit; the reason on failure only


class GateResult(NamedTuple):
    """The outcome of a named gate. `waived_by`: who let it pass although it failed."""

    name: str
    passed: bool
    value: str
    limit: str
    reason: str = ""
    waived_by: str = ""


def outcome(passed: bool, value: object, limit: object, reason: str) -> Outcome:  # noqa: FBT001 - the verdict itself
    """Return the outcome; the reason is dropped if it passed."""
    return bool(passed), str(value), str(limit), "" if passed else reason


def passing(value: str, limit: str = "") -> Outcome:
    """Return the outcome of a gate that passes without a comparison."""
    return True, value, limit, ""


def usd(cents: int) -> str:
    """Write cents as dollars: 123456 is "1,234.56 USD"."""
    return f"{cents / 100:,.2f} USD"
