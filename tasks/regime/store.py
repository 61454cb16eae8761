"""The states of past sessions, recomputed from a snapshot."""

from datetime import date

import pandas as pd

from config import sections
from tasks.core.errors import ConfigError, DataError
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import SnapshotRef
from tasks.regime.history import history_table
from tasks.regime.inputs import compute_inputs


def regime_history(
    snapshot: SnapshotRef, rules: sections.Regime, *, first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """Return state and inputs (index session) from `first` to `last`, both included; None means no bound.

    Raises ConfigError if `first` is after `last`, DataError if the lake holds no session in the range.
    """
    if first is not None and last is not None and first > last:
        raise ConfigError(
            f"{first} is after {last}.", remedy="Set --from to the earlier date and --to to the later one."
        )
    panel = read_prices(snapshot, window=None)
    table = history_table(panel, compute_inputs(panel), rules)
    found = table.loc[first and pd.Timestamp(first) : last and pd.Timestamp(last)]
    if found.empty:
        raise DataError(
            "The lake holds no session in the requested range "
            f"({first or 'no lower bound'} to {last or 'no upper bound'}).",
            remedy=f"It holds {table.index[0].date()} to {table.index[-1].date()}: choose dates in that range.",
        )
    return found
