"""What the regime slice hands on."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tasks.core.artifacts import ArtifactRef

State = Literal["CRASH", "BEAR", "NEUTRAL", "BULL"]
STATES: tuple[State, ...] = ("CRASH", "BEAR", "NEUTRAL", "BULL")  # from worst to best


@dataclass(frozen=True)
class Regime:
    """The state of one session, how much of the book it allows, and what it was read from."""

    session: date
    state: State
    exposure_cap: float
    allows_new_positions: bool  # False in CRASH
    inputs: dict[
        str, float
    ]  # trend, volatility_pct, breadth, correlation, drawdown; without those that are missing
    notes: tuple[str, ...]  # said aloud in the report: missing inputs and what stood in for them
    history: ArtifactRef  # frame: index session; columns state and one per input
