"""Tabulate the states of sessions with their inputs, for both the daily run and `regime history`."""

import numpy as np
import pandas as pd

from config import sections
from tasks.regime.inputs import LOOKBACK, Levels, RegimeInputs, benchmark_returns
from tasks.regime.rules import memory, regime_path
from tasks.regime.schema import STATES
from tasks.regime.statistical import FITTED_SESSIONS, statistical_path

YEAR_SESSIONS = 254  # at most; the model is fitted once a year
INPUT_COLUMNS = ("trend", "volatility_pct", "breadth", "correlation", "drawdown")


def history_table(panel: Levels, inputs: RegimeInputs, rules: sections.Regime) -> pd.DataFrame:
    """Return one row per session of the panel: index session; columns state and the inputs."""
    path = regime_path(inputs, rules)
    if rules.model == "statistical":
        path = statistical_path(panel.sessions, benchmark_returns(panel), path, rules)
    states = np.array(STATES)[path]
    columns = {"state": states} | {name: getattr(inputs, name) for name in INPUT_COLUMNS}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(panel.sessions, name="session"))


def sessions_to_read(rules: sections.Regime) -> int:
    """Return the panel length for which the last `history_sessions` states equal the full history's."""
    fitted = FITTED_SESSIONS + YEAR_SESSIONS if rules.model == "statistical" else 0
    return LOOKBACK + memory(rules) + rules.history_sessions + fitted
