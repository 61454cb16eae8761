"""Small histories for the tests of the regime's record."""

import numpy as np
import pandas as pd

from tasks.regime.inputs import RegimeInputs
from tests.documentation.regime_figures import History


def make_history(benchmark: list[float], **changed: np.ndarray) -> History:
    """Return a history of these returns from 2024-01-01, calm in every input unless changed."""
    count = len(benchmark)
    calm = {"trend": 0.05, "volatility_pct": 14.0, "breadth": 0.7, "correlation": 0.2, "drawdown": -0.01}
    inputs = {name: np.full(count, value) for name, value in calm.items()} | changed
    no = np.zeros(count, dtype=bool)
    return History(
        pd.bdate_range("2024-01-01", periods=count),
        RegimeInputs(**inputs, is_realised=no, is_cross_section=no, is_all_names=no),
        100 * np.cumprod(1 + np.nan_to_num(np.array(benchmark))),
        np.array(benchmark, dtype=float),
        np.full(count, 0.0001),
        np.full(count, np.nan),
    )
