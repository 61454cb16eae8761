"""Write the states of many sessions down with what they were read from: one row a session.

The day and `regime history` tell the same story: both end here, and a session's row is the same in both.
Never reads a disk, never decides a state.
"""

import numpy as np
import pandas as pd

from config import sections
from tasks.data.schema.records import Panel
from tasks.regime.inputs import LOOKBACK, Inputs
from tasks.regime.rules import memory, regime_path
from tasks.regime.schema import STATES

INPUT_COLUMNS = ("trend", "volatility_pct", "breadth", "correlation", "drawdown")


def history_table(panel: Panel, inputs: Inputs, rules: sections.Regime) -> pd.DataFrame:
    """Return one row a session of the panel: index session; columns state and the inputs."""
    states = np.array(STATES)[regime_path(inputs, rules)]
    columns = {"state": states} | {name: getattr(inputs, name) for name in INPUT_COLUMNS}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(panel.sessions, name="session"))


def sessions_to_read(rules: sections.Regime) -> int:
    """Return how long a panel must be for its last `history_sessions` states to be those of the full history."""
    return LOOKBACK + memory(rules) + rules.history_sessions
