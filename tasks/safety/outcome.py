"""The outcome of a check: value, limit and whether it passed, and how near it came. NaN never passes."""

import re
from typing import NamedTuple

from tasks.core.text import percent
from tasks.safety.schema import Check

NEAR = 0.9  # of a limit
FIGURE = re.compile(r"([-+]?[0-9][0-9,]*\.?[0-9]*)(%?)$")
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


def used_of_limit(value: str, limit: str) -> float | None:
    """Return the used share of an upper limit, "≤ 15.00%" or "≤ 50"; None unless both end in figures of one kind."""
    if not limit.startswith("≤ "):
        return None
    stated, bound = FIGURE.search(value), FIGURE.fullmatch(limit.removeprefix("≤ "))
    if stated is None or bound is None or stated[2] != bound[2]:
        return None
    top = float(bound[1].replace(",", ""))
    return float(stated[1].replace(",", "")) / top if top > 0 else None


def is_near_limit(check: Check) -> bool:
    """Return whether a check passed, but used at least nine tenths of its limit."""
    return check.passed and (used_of_limit(check.value, check.limit) or 0.0) >= NEAR
