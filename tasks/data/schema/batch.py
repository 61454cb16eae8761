"""What a delivery adds to the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from tasks.data.gates.session_moves import SessionMoves


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
