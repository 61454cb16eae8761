"""Read the states of past sessions out of a snapshot. Nothing is kept: they are computed again, the same each time."""

from datetime import date

import pandas as pd

from config import sections
from tasks.data.panel_reader import read_panel
from tasks.data.schema import SnapshotRef
from tasks.regime.history import history_table
from tasks.regime.inputs import measure


def regime_history(
    snapshot: SnapshotRef, rules: sections.Regime, *, first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """Return state and inputs (index session) of the sessions from `first` to `last`, both included; None is open."""
    panel = read_panel(snapshot, window=None)
    table = history_table(panel, measure(panel), rules)
    return table.loc[first and pd.Timestamp(first) : last and pd.Timestamp(last)]
