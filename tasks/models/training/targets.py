"""The targets of training by their name in the settings.

Each is centered on zero, and higher for the better name, so that no other module depends on the choice. A row without
a target is not trained on, but it is tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tasks.data.schema.records import Panel
from tasks.features.labels import Entry, Labels, significant_move, target, triple_barrier
from tasks.models.training.controls import controls_of
from tasks.models.training.splits import Positions

TREND = (
    "momentum_12m",
    "distance_52w_high",
)  # factors with large, persistent returns and no reliable premium
BARRIER = 1.0  # on both sides, in standard deviations over the whole horizon

Horizons = Sequence[int]


def make_target(name: str, panel: Panel, horizons: Horizons, entry: Entry, sessions: Positions) -> Labels:
    """Return the named target of these sessions for every symbol, from the entry on; NaN in all other sessions."""
    label = TARGETS[name](panel, horizons, entry)
    values = np.full_like(label.values, np.nan)
    values[sessions] = label.values[sessions]
    label = replace(label, values=values)
    return _residuals(panel, label) if name in RESIDUALISED else label


def _rank(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = target(panel, horizons=horizons, entry=entry)
    return replace(label, values=label.values - 0.5)


def _significant_move(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = significant_move(panel, sessions=min(horizons), entry=entry)
    return replace(label, values=label.values - 0.5)


def _triple_barrier(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = triple_barrier(panel, sessions=max(horizons), upper=BARRIER, lower=BARRIER, entry=entry)
    return replace(label, values=label.values / 2)


def _residuals(panel: Panel, label: Labels) -> Labels:
    """Return the residuals of the label, within each session, on the controls of the neutral IC and on the trend."""
    sessions, symbols = np.nonzero(np.isfinite(label.values))
    values = label.values.copy()
    values[sessions, symbols] = controls_of(panel, sessions, symbols, also=TREND).cleaned(
        values[sessions, symbols]
    )
    return replace(label, values=values)


TARGETS: dict[str, Callable[[Panel, Horizons, Entry], Labels]] = {
    "neutral_rank": _rank,
    "rank": _rank,
    "significant_move": _significant_move,
    "triple_barrier": _triple_barrier,
}
RESIDUALISED = frozenset({"neutral_rank"})
