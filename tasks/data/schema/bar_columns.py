"""Bars as columns, for reading them and assembling a panel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days


@dataclass(frozen=True)
class BarColumns:
    """Bars as columns. `code` indexes `symbols`; `ohlcv` holds open, high, low, close and volume by name."""

    symbols: NDArray[np.str_]
    code: NDArray[np.int64]
    day: Days
    ohlcv: Mapping[str, NDArray[np.float64]]

    def frame(self) -> pd.DataFrame:
        """Return the bars as a frame of symbol, session, open, high, low, close and volume."""
        symbol = pd.Series(self.symbols[self.code] if len(self.symbols) else [], dtype="str")
        days = self.day.astype("datetime64[s]")
        return pd.DataFrame({"symbol": symbol, "session": days, **dict(self.ohlcv)})
