"""The outcome of a gate, with value and limit as text for a person."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """What a gate returns. The reason is given on failure only."""

    passed: bool
    value: str
    limit: str
    reason: str = ""


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
    return Outcome(bool(passed), str(value), str(limit), "" if passed else reason)


def usd(cents: int) -> str:
    """Write cents as dollars: 123456 is "1,234.56 USD"."""
    return f"{cents / 100:,.2f} USD"
