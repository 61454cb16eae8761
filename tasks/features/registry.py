"""Which features there are, in which order a model is handed them, and how such a set is named.

A model records the fingerprint of the set it learned; scoring with any other set is refused.
"""

from collections.abc import Sequence
from functools import cache

from tasks.core.errors import ConfigError, ModelError
from tasks.core.ids import sha256_of_record
from tasks.features.engine.feature import Feature
from tasks.features.families import (
    alpha158,
    dates,
    fundamentals,
    gaps,
    high_52w,
    liquidity,
    market,
    momentum,
    oscillators,
    ranges,
    returns,
    reversal,
    stationary,
    trend,
    volatility,
    volume,
)

FAMILIES = (
    returns,
    momentum,
    reversal,
    high_52w,
    trend,
    oscillators,
    volatility,
    ranges,
    gaps,
    market,
    volume,
    liquidity,
    stationary,
    fundamentals,
    dates,
    alpha158,
)
FEATURES: tuple[Feature, ...] = tuple(feature for family in FAMILIES for feature in family.FEATURES)


# What neutral forms take out besides the sector: size by market value where that is known, or else by what is traded.
MARKET_CAP, TRADED, BETA = "log_market_cap", "log_dollar_volume_21", "beta_252"


def feature_names() -> tuple[str, ...]:
    """Return every feature's name, in the order of the matrix's columns."""
    return tuple(feature.name for feature in FEATURES)


def selected(names: Sequence[str] | None = None) -> tuple[Feature, ...]:
    """Return the named features in the order given; all of them when none are named."""
    if names is None:
        return FEATURES
    unknown = [name for name in names if name not in _by_name()]
    if unknown:
        raise ConfigError(
            f"There is no feature {', '.join(unknown)}.",
            remedy="Name features that stand in docs/features.md.",
            unknown=unknown,
        )
    return tuple(_by_name()[name] for name in names)


def feature_set(names: Sequence[str] | None = None) -> str:
    """Return the fingerprint of a set: another name, order, version, window or form gives another one."""
    return sha256_of_record(
        [[f.name, f.version, f.window, f.transform, list(f.inputs)] for f in selected(names)]
    )


def warm_up(names: Sequence[str] | None = None) -> int:
    """Return how many sessions, the last included, its values depend on."""
    return max(reach(feature) for feature in selected(names))


def reach(feature: Feature) -> int:
    """Return how many sessions the form of a feature depends on: its own window, and what it is made neutral to."""
    return max((feature.window, *(factor.window for factor in factors([feature]))))


def factors(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Return the features that neutral forms take out, when any of these has one."""
    is_needed = any(feature.transform == "neutral_rank" for feature in features)
    return selected((MARKET_CAP, TRADED, BETA)) if is_needed else ()


def require_feature_set(columns: Sequence[str], *, trained_on: str) -> None:
    """Refuse columns that are not, in name, order and version, those a model was trained on."""
    known = all(name in _by_name() for name in columns)
    if not known or feature_set(columns) != trained_on:
        raise ModelError(
            f"The model was trained on other features (set {trained_on[:12]}) than the {len(columns)} it is handed.",
            remedy="Run `afterclose weekly` to train a champion on the present set, or roll back the code.",
            trained_on=trained_on,
        )


@cache
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in FEATURES}
