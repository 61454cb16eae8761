"""The targets of training by their name in the settings.

Each is between −0.5 and 0.5, higher for the better name, so that no other module depends on the choice. A row without
a target is not trained on, but it is tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.data.schema.records import Panel
from tasks.features.labels import Entry, Labels, significant_move, target, triple_barrier

BARRIER = 1.0  # on both sides, in standard deviations over the whole horizon

Horizons = Sequence[int]


def make_target(name: str, panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    """Return the named target for every session and symbol, from the entry on."""
    return TARGETS[name](panel, horizons, entry)


def _rank(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = target(panel, horizons=horizons, entry=entry)
    return replace(label, values=label.values - 0.5)


def _significant_move(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = significant_move(panel, sessions=min(horizons), entry=entry)
    return replace(label, values=label.values - 0.5)


def _triple_barrier(panel: Panel, horizons: Horizons, entry: Entry) -> Labels:
    label = triple_barrier(panel, sessions=max(horizons), upper=BARRIER, lower=BARRIER, entry=entry)
    return replace(label, values=label.values / 2)


TARGETS: dict[str, Callable[[Panel, Horizons, Entry], Labels]] = {
    "rank": _rank,
    "significant_move": _significant_move,
    "triple_barrier": _triple_barrier,
}
