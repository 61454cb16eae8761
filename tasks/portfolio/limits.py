"""Define the upper limits of portfolio weights: per position, sector, cap class and correlated pair, and in total.

Every limit is an upper bound on a sum of weights, so reducing one position never breaks another limit. Changes no
weight: tasks/portfolio/caps.py does. The optimizers use the same limits as constraints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import Portfolio as PortfolioSettings
from tasks.core.text import percent

Weights = NDArray[np.float64]
Text = NDArray[np.str_]

UNKNOWN_SECTOR = "Unknown"  # as in the panel

TOLERANCE = 1e-9  # a limit is broken beyond this; weights are rounded to 1e-10


class Group(NamedTuple):
    """Names whose sum of weights must not exceed the limit."""

    name: str
    members: NDArray[np.bool_]
    limit: float


class Pair(NamedTuple):
    """Two highly correlated names: their sum must not exceed the limit of one position."""

    one: int
    other: int
    correlation: float


@dataclass(frozen=True)
class Limits:
    """The limits of one portfolio; arrays follow the order of its names."""

    max_position: float
    max_exposure: float
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]


def limits_for(
    names: pd.DataFrame, covariance: pd.DataFrame | None, *, exposure_cap: float, settings: PortfolioSettings
) -> Limits:
    """Return the limits of a portfolio of these names, in their order.

    `names` is indexed by symbol, with the columns sector and cap_class, NaN where unknown. `covariance` is by symbol
    and may contain other names; None means no limits on correlated pairs. Unless the settings differ, all unknown
    sectors count as one sector, so that missing data does not remove a limit. Names without cap data belong to no cap
    class.
    """
    sector = names["sector"].fillna(UNKNOWN_SECTOR).to_numpy(dtype=str)
    cap_class = names["cap_class"].fillna("").to_numpy(dtype=str)
    return Limits(
        max_position=min(settings.max_position_frac, settings.max_sector_frac),  # a name is part of a sector
        max_exposure=min(exposure_cap, 1.0),
        groups=_groups("sector", sector, dict.fromkeys(_limited(sector, settings), settings.max_sector_frac))
        + _groups(
            "cap class", cap_class, {str(c): limit for c, limit in settings.max_cap_class_frac.items()}
        ),
        pairs=()
        if covariance is None
        else correlated_pairs(
            _correlation(covariance.reindex(index=names.index, columns=names.index)),
            limit=settings.max_correlation,
        ),
    )


def _limited(sector: Text, settings: PortfolioSettings) -> tuple[str, ...]:
    """Return the sectors with a limit. A name that is its own sector has only the position limit."""
    alone = {UNKNOWN_SECTOR} if settings.unknown_sector == "each_its_own" else set()
    return tuple(label for label in map(str, sector) if label not in alone)


def unknown_sector_words(settings: PortfolioSettings) -> str:
    """Explain how the settings treat names of unknown sector."""
    if settings.unknown_sector == "each_its_own":
        return "each counts as its own sector, and no limit applies to their total"
    most = percent(settings.max_sector_frac)
    return f"they count as one sector, so together they may weigh no more than {most} of the portfolio"


def correlated_pairs(correlation: NDArray[np.float64], *, limit: float) -> tuple[Pair, ...]:
    """Return the pairs with a correlation above the limit, highest first; unknown correlations form no pair."""
    ones, others = np.nonzero(np.triu(np.nan_to_num(correlation, nan=0.0) > limit, k=1))
    pairs = (Pair(int(i), int(j), float(correlation[i, j])) for i, j in zip(ones, others, strict=True))
    return tuple(sorted(pairs, key=lambda pair: (-pair.correlation, pair.one, pair.other)))


def breaches(weights: Weights, limits: Limits) -> tuple[str, ...]:
    """Return the names of all limits that the weights break, correlated pairs included; empty if none."""
    broken = []
    if weights.size and weights.max() > limits.max_position + TOLERANCE:
        broken.append("position")
    broken += [group.name for group in limits.groups if _excess(weights[group.members], group.limit)]
    if any(_excess(weights[[pair.one, pair.other]], limits.max_position) for pair in limits.pairs):
        broken.append("correlated pairs")
    if _excess(weights, limits.max_exposure):
        broken.append("exposure")
    return tuple(broken)


def _correlation(covariance: pd.DataFrame) -> NDArray[np.float64]:
    matrix = covariance.to_numpy(dtype=float)
    deviation = np.sqrt(np.diag(matrix))
    correlation: NDArray[np.float64] = matrix / np.outer(deviation, deviation)
    return correlation


def _excess(weights: Weights, limit: float) -> bool:
    return bool(weights.sum() > limit + TOLERANCE)


def _groups(kind: str, labels: Text, limits: Mapping[str, float]) -> tuple[Group, ...]:
    return tuple(
        Group(f"{kind} {label}", labels == label, limits[label])
        for label in sorted(limits)
        if (labels == label).any()
    )
