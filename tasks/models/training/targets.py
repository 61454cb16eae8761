"""What models may be asked to foresee, by the name that the configuration uses.

Every target lies between −0.5 and 0.5 and is higher for the better name: kinds, scores and figures need not know
which one it is. A row may have none; it is not learned, but it is tested like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.data.schema.records import Panel
from tasks.features.labels import Labels, significant_move, target, triple_barrier

BARRIER = 1.0  # either way, in standard deviations of the whole horizon

Horizons = Sequence[int]


def make_target(name: str, panel: Panel, horizons: Horizons) -> Labels:
    """Return the named target of every session and symbol."""
    return TARGETS[name](panel, horizons)


def _rank(panel: Panel, horizons: Horizons) -> Labels:
    label = target(panel.close, panel.is_member, horizons=horizons)
    return replace(label, values=label.values - 0.5)


def _significant_move(panel: Panel, horizons: Horizons) -> Labels:
    label = significant_move(panel.close, panel.is_member, sessions=min(horizons))
    return replace(label, values=label.values - 0.5)


def _triple_barrier(panel: Panel, horizons: Horizons) -> Labels:
    label = triple_barrier(
        panel.close, panel.high, panel.low, sessions=max(horizons), upper=BARRIER, lower=BARRIER
    )
    return replace(label, values=label.values / 2)


TARGETS: dict[str, Callable[[Panel, Horizons], Labels]] = {
    "rank": _rank,
    "significant_move": _significant_move,
    "triple_barrier": _triple_barrier,
}
