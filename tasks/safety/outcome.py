"""Say what a check measured, what it allowed, and whether that holds. NaN holds nothing."""

from typing import NamedTuple

from tasks.core.text import percent

TOLERANCE = 1e-9  # weights are sums of floats: an exact limit may be missed by rounding


class Outcome(NamedTuple):
    """One measurement against its limit, in words a person reads."""

    passed: bool
    value: str
    limit: str
    detail: str = ""


def at_most(value: float, limit: float, *, tolerance: float = TOLERANCE, detail: str = "") -> Outcome:
    """Hold a fraction of the book to an upper limit. The detail is told only when it fails."""
    passed = value <= limit + tolerance  # False where either is NaN
    return Outcome(passed, percent(value, 2), f"≤ {percent(limit, 2)}", "" if passed else detail)


def none_of(found: list[str], *, limit: str) -> Outcome:
    """Pass only when nothing was found; the findings are the detail."""
    return Outcome(not found, f"{len(found)} found", limit, "; ".join(found))
