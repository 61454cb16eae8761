"""What a delivery adds to the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd


@dataclass(frozen=True)
class SessionMoves:
    """How the names of one session moved since the session before it. Fractions are of the names with both bars."""

    session: date
    before: date
    trading_days: int  # from the one to the other: 1, or more where sessions in between have no bar
    names: int
    benchmark: float  # its move; NaN without a believable level on both sessions
    moved: int  # names that moved farther than data.quality.max_move_frac, net of the benchmark
    wide: int  # names with a high or low so far beyond both closes
    median: float  # median move
    rank_correlation: float  # of the closes with those before; NaN where one of the two is constant
    volume_times: float  # median of the shares traded over those of the session before; NaN without
    old_closes: tuple[float, int]  # share of names with the close of a bar before, and how many bars before
    examples: tuple[str, ...]  # the farthest moves, where many names moved far


@dataclass(frozen=True)
class Batch:
    """Rows to append, by table. `bars` are of unseen sessions; every other row carries `known`.

    `refused` counts the delivered bars of each symbol that may not enter the lake.
    """

    rows: dict[str, pd.DataFrame]
    refused: Mapping[str, int] = field(default_factory=dict)
    sessions: tuple[SessionMoves, ...] = ()  # how each new session moved as a whole

    @property
    def is_empty(self) -> bool:
        return all(frame.empty for frame in self.rows.values())
