"""The regime of each session of a backtest, from prices as known at its close.

If no data was corrected or delivered late, the world's rows equal the data known at each session. From the first
such correction on, every stretch of sessions without a further one is read from the lake as known at its end, as in the
daily run: a state depends on more than a year of readings.
"""

from dataclasses import replace
from itertools import pairwise

import pandas as pd

from config import sections
from tasks.backtest.scoring.scores import late_rows
from tasks.backtest.scoring.store import read_revisions
from tasks.backtest.world import World, until
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import SnapshotRef
from tasks.regime.history import history_table, sessions_to_read
from tasks.regime.inputs import Levels, compute_inputs

KNOWLEDGE = ("amendments", "actions", "levels", "members", "renames", "lives", "findings")


def regimes_of(snapshot: SnapshotRef, world: World, rules: sections.Regime) -> pd.DataFrame:
    """Return the history table of every session of the world."""
    if snapshot.rules is None:
        return _table(world, rules)
    levels = snapshot.rules.benchmark, snapshot.rules.volatility_index
    late = late_rows(read_revisions(snapshot, KNOWLEDGE), world.sessions, levels=levels)
    cuts = [*sorted(row for row in late if row < len(world.sessions)), len(world.sessions)]
    parts = [_table(until(world, cuts[0] - 1), rules)] if cuts[0] else []
    for first, after in pairwise(cuts):
        seen = replace(snapshot, session=world.sessions[after - 1].item())
        panel = read_prices(seen, window=sessions_to_read(rules) + after - first)
        parts.append(_table(panel, rules).tail(after - first))
    return pd.concat(parts)


def _table(levels: Levels, rules: sections.Regime) -> pd.DataFrame:
    return history_table(levels, compute_inputs(levels), rules)
