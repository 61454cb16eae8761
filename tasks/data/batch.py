"""What a delivery adds to the lake."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Batch:
    """Rows to append, by table. `bars` are of unseen sessions; every other row carries `known`."""

    rows: dict[str, pd.DataFrame]

    @property
    def is_empty(self) -> bool:
        return all(frame.empty for frame in self.rows.values())
