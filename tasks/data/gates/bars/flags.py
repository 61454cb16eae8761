"""Shared by the rules over several bars: the rows that a rule flags, and the trailing medians to compare with."""

from dataclasses import dataclass

import numpy as np

from tasks.data.gates.baselines import trailing_median
from tasks.data.gates.price_moves import BarHistory, Floats, Ints
from tasks.data.schema.records import Mask, Severity

MEDIAN_SESSIONS, MEDIAN_MIN_BARS = 21, 10


@dataclass(frozen=True)
class FlaggedBars:
    """Rows that one rule flags, each with its evidence."""

    rule: str
    severity: Severity
    rows: Ints
    evidence: list[str]


def window_begins(bars: BarHistory) -> Ints:
    """Return, for each row, the first earlier row in the median's window of the name; the row itself without one."""
    row = np.arange(len(bars.code))
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = bars.code[1:] != bars.code[:-1]
    begin = np.where(is_first, row, 0)
    np.maximum.accumulate(begin, out=begin)
    row -= MEDIAN_SESSIONS
    result: Ints = np.maximum(row, begin, out=begin)
    return result


def sums_before(values: Floats) -> Floats:
    """Return the sum of all values before each row, and at the end the total."""
    total = np.zeros(len(values) + 1)
    np.cumsum(values, out=total[1:])
    return total


def median_before(values: Floats, bars: BarHistory, rows: Ints) -> Floats:
    """Return, for each of the rows, the median of the name's bars before it; NaN where there are too few."""
    return trailing_median(
        values, bars.code, bars.day, rows, sessions=MEDIAN_SESSIONS, min_count=MEDIAN_MIN_BARS
    )


def new_rows(bars: BarHistory, found: Mask) -> Ints:
    """Return the rows of new bars among those found."""
    return np.flatnonzero(found & bars.is_new)


def select(rule: str, severity: Severity, rows: Ints, is_flagged: Mask, evidence: list[str]) -> FlaggedBars:
    """Return the flagged rows; `is_flagged` and `evidence` have one value per row."""
    return FlaggedBars(
        rule,
        severity,
        rows[is_flagged],
        [text for text, hit in zip(evidence, is_flagged, strict=True) if hit],
    )
