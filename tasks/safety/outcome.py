"""The outcome of a check: value, limit and whether it passed. NaN never passes."""

from typing import NamedTuple

from tasks.core.text import percent

TOLERANCE = 1e-9  # weights are sums of floats: an exact limit may be missed by rounding


class Outcome(NamedTuple):
    """One value against its limit, both as text for a person."""

    passed: bool
    value: str
    limit: str
    detail: str = ""


def at_most(value: float, limit: float, *, tolerance: float = TOLERANCE, detail: str = "") -> Outcome:
    """Check a fraction of the portfolio against an upper limit. The detail is retained only on failure."""
    passed = value <= limit + tolerance  # False where either is NaN
    return Outcome(passed, percent(value, 2), f"≤ {percent(limit, 2)}", "" if passed else detail)


def none_of(found: list[str], *, limit: str) -> Outcome:
    """Pass only if nothing was found; the findings are the detail."""
    return Outcome(not found, f"{len(found)} found", limit, "; ".join(found))
