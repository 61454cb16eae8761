"""Determine what changed since the last published session, and why, as facts for the report's sentences.

Compares target portfolios. Small moves are counted, not listed.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from tasks.portfolio.schema import CASH
from tasks.reporting.day.inputs import DayInputs, PreviousDay

WORTH_TELLING = 0.0025  # a quarter of a percent of the portfolio


@dataclass(frozen=True)
class Shift:
    """One name whose target weight changed, with the portfolio stage's note."""

    symbol: str
    before: float
    after: float
    why: str

    @property
    def by(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Changes:
    """The changes since `since`; lists are ordered by size."""

    since: date
    problem: str
    regime: tuple[str, str] | None
    model: tuple[str, str] | None
    added: tuple[Shift, ...]
    removed: tuple[Shift, ...]
    moved: tuple[Shift, ...]
    unmoved: int
    cash: Shift


def changes_since(inputs: DayInputs, weights: pd.DataFrame) -> Changes | None:
    """Compare with the previous day; None when there is none. `weights` are today's printed lines."""
    previous = inputs.previous
    if previous is None:
        return None
    notes = dict(zip(inputs.frames.weights.index, inputs.frames.weights["note"], strict=True))
    target = dict(zip(weights["symbol"], weights["weight"], strict=True))
    shifts = [
        Shift(symbol, previous.weights.get(symbol, 0.0), target.get(symbol, 0.0), str(notes.get(symbol, "")))
        for symbol in sorted(set(target) | set(previous.weights))
    ]
    shifts.sort(key=lambda shift: (-abs(shift.by), shift.symbol))
    names = [shift for shift in shifts if shift.symbol != CASH]
    both = [shift for shift in names if shift.before > 0 and shift.after > 0]
    moved = tuple(shift for shift in both if abs(shift.by) >= WORTH_TELLING)
    cash = next((shift for shift in shifts if shift.symbol == CASH), Shift(CASH, 0.0, 0.0, ""))
    return Changes(
        since=previous.session,
        problem=previous.problem,
        regime=_if_different(previous.regime, inputs.records.regime.state),
        model=_model_change(inputs, previous),
        added=tuple(shift for shift in names if shift.before <= 0 < shift.after),
        removed=tuple(shift for shift in names if shift.after <= 0 < shift.before),
        moved=moved,
        unmoved=len(both) - len(moved),
        cash=cash,
    )


def _model_change(inputs: DayInputs, previous: PreviousDay) -> tuple[str, str] | None:
    champion = inputs.records.scores.champion
    if champion.model_sha256 == previous.model_hash:
        return None
    return (
        f"{previous.model_name} {previous.model_hash[:8]}",
        f"{champion.name} {champion.model_sha256[:8]}",
    )


def _if_different(before: str, after: str) -> tuple[str, str] | None:
    return None if before == after else (before, after)
