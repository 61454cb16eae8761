"""Bars as columns, the form in which they are read and put into a panel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days


@dataclass(frozen=True)
class BarColumns:
    """Bars as columns. `code` indexes `symbols`; `figures` holds open, high, low, close, volume."""

    symbols: NDArray[np.str_]
    code: NDArray[np.int64]
    day: Days
    figures: Mapping[str, NDArray[np.float64]]

    def frame(self) -> pd.DataFrame:
        """Return the bars as a frame of symbol, session and the five figures."""
        symbol = pd.Series(self.symbols[self.code] if len(self.symbols) else [], dtype="str")
        days = self.day.astype("datetime64[s]")
        return pd.DataFrame({"symbol": symbol, "session": days, **dict(self.figures)})
