"""Define the upper limits of portfolio weights: per position, sector, cap class and correlated pair, and in total.

Every limit is an upper bound on a sum of weights, so reducing one position never breaks another limit.
tasks/portfolio/caps.py applies them to weights. The optimizers use the same limits as constraints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.sections import Methods, Overlays
from config.sections import Portfolio as PortfolioSettings
from tasks.portfolio.arrays import Codes, Matrix, Places, Vector

Weights = NDArray[np.float64]

UNKNOWN_SECTOR = "Unknown"  # as in the panel
CAP_CLASSES = ("large", "mid", "small")  # in the order of their codes

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


class Classes(NamedTuple):
    """The labels of a classification by code: the name of each group, and its limit (NaN: none)."""

    names: tuple[str, ...]
    limits: Vector


@dataclass(frozen=True)
class Rules:
    """The settings of the portfolio as plain values, read once for many sessions."""

    max_positions: int
    keep_rank: int  # a holding with this rank or a better one stays a candidate
    max_position: float
    sectors: Classes
    cap_classes: Classes
    max_correlation: float
    solver_max_iterations: int
    costs_per_year: float
    methods: Methods
    overlays: Overlays


def rules_of(settings: PortfolioSettings, sectors: Sequence[str]) -> Rules:
    """Return the settings for names of these sectors, which are sorted and in the order of their codes.

    Unless the settings differ, all unknown sectors count as one sector, so that missing data does not remove a limit.
    A name that is its own sector has only the position limit.
    """
    alone = {UNKNOWN_SECTOR} if settings.unknown_sector == "each_its_own" else set()
    each = {sector: settings.max_sector_frac for sector in sectors if sector not in alone}
    return Rules(
        max_positions=settings.max_positions,
        keep_rank=int(settings.max_positions * settings.keep_rank_multiple),
        max_position=min(settings.max_position_frac, settings.max_sector_frac),  # a name is part of a sector
        sectors=_classes("sector", sectors, each),
        cap_classes=_classes(
            "cap class", CAP_CLASSES, {str(c): limit for c, limit in settings.max_cap_class_frac.items()}
        ),
        max_correlation=settings.max_correlation,
        solver_max_iterations=settings.solver_max_iterations,
        costs_per_year=settings.costs_per_year,
        methods=settings.methods,
        overlays=settings.overlays,
    )


def limits_of(
    sector: Codes, cap_class: Codes, covariance: Matrix | None, *, exposure_cap: float, rules: Rules
) -> Limits:
    """Return the limits of a portfolio of names with these codes.

    `covariance` is NaN where there is no estimate; None means no limits on correlated pairs.
    """
    return Limits(
        max_position=rules.max_position,
        max_exposure=min(exposure_cap, 1.0),
        groups=_groups(sector, rules.sectors) + _groups(cap_class, rules.cap_classes),
        pairs=()
        if covariance is None
        else correlated_pairs(_correlation(covariance), limit=rules.max_correlation),
    )


def limits_among(limits: Limits, chosen: Places) -> Limits:
    """Return the limits of the names at these places of the portfolio."""
    members = [(group, group.members[chosen]) for group in limits.groups]
    place = {old: new for new, old in enumerate(chosen.tolist())}
    return replace(
        limits,
        groups=tuple(group._replace(members=inside) for group, inside in members if inside.any()),
        pairs=tuple(
            Pair(place[one], place[other], correlation)
            for one, other, correlation in limits.pairs
            if one in place and other in place
        ),
    )


def correlated_pairs(correlation: Matrix, *, limit: float) -> tuple[Pair, ...]:
    """Return the pairs with a correlation above the limit, highest first; unknown correlations form no pair."""
    ones, others = np.nonzero(np.triu(np.nan_to_num(correlation, nan=0.0) > limit, k=1))
    pairs = map(Pair, ones.tolist(), others.tolist(), correlation[ones, others].tolist())
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


def _correlation(covariance: Matrix) -> Matrix:
    deviation = np.sqrt(np.diag(covariance))
    correlation: Matrix = covariance / np.outer(deviation, deviation)
    return correlation


def _excess(weights: Weights, limit: float) -> bool:
    return bool(weights.sum() > limit + TOLERANCE)


def _classes(kind: str, labels: Sequence[str], limits: Mapping[str, float]) -> Classes:
    return Classes(
        tuple(f"{kind} {label}" for label in labels),
        np.array([limits.get(label, np.nan) for label in labels], dtype=np.float64),
    )


def _groups(codes: Codes, classes: Classes) -> tuple[Group, ...]:
    present = np.unique(codes[codes >= 0]).tolist()
    return tuple(
        Group(classes.names[code], codes == code, float(classes.limits[code]))
        for code in present
        if not np.isnan(classes.limits[code])
    )
