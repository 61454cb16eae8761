"""The output of the regime slice."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tasks.core.artifacts import ArtifactRef

State = Literal["CRASH", "BEAR", "NEUTRAL", "BULL"]
STATES: tuple[State, ...] = ("CRASH", "BEAR", "NEUTRAL", "BULL")  # from worst to best


@dataclass(frozen=True)
class Regime:
    """The state of one session, its exposure cap (fraction of the portfolio) and its inputs."""

    session: date
    state: State
    exposure_cap: float
    allows_new_positions: bool
    inputs: dict[
        str, float
    ]  # trend, volatility_pct, breadth, correlation, drawdown; missing ones are omitted
    notes: tuple[str, ...]  # for the report: missing inputs and their substitutes
    history: ArtifactRef  # frame: index session; columns state and one per input
    size_multiplier: float = 1.0  # fraction of the position limit that the state leaves
    max_buys_frac: float = 1.0  # of the portfolio, in one session
    stop_loss_frac: float = 0.0  # a name that fell further below its recent high is sold; 0: no stop
