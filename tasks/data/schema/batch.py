"""The rows that a delivery adds to the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd


@dataclass(frozen=True)
class SessionMoves:
    """Statistics of one session's moves since the previous session, over the names with a bar on both."""

    session: date
    before: date
    trading_days: int  # between the two: 1, or more where sessions in between have no bar
    names: int
    benchmark: float  # its return; NaN without a usable level on both sessions
    moved: int  # names whose move exceeds data.quality.max_move_frac, net of the benchmark
    wide: int  # names with a high or low that far beyond both closes
    median: float  # median move
    rank_correlation: float  # of the closes with the previous ones; NaN where either is constant
    volume_times: float  # median ratio of volume to the previous session's; NaN without any
    old_closes: tuple[
        float, int
    ]  # largest share of names that repeat an earlier close, and how many bars back
    copied: tuple[float, str]  # largest share of names whose close equals another price of the day, and which
    examples: tuple[str, ...]  # the largest moves, where many names exceed the limit


@dataclass(frozen=True)
class Batch:
    """Rows to append, by table. `bars` are of new sessions; every other row carries `known`.

    `refused` counts the delivered bars of each symbol that the lake does not accept.
    """

    rows: dict[str, pd.DataFrame]
    refused: Mapping[str, int] = field(default_factory=dict)
    sessions: tuple[SessionMoves, ...] = ()  # of each new session

    @property
    def is_empty(self) -> bool:
        return all(frame.empty for frame in self.rows.values())
