"""The registered features, their order, and the fingerprint of a set of them.

A model records the fingerprint of the set it was trained on; scoring with any other set is an error.
"""

from collections.abc import Sequence
from functools import cache

from tasks.core.errors import ConfigError, ModelError
from tasks.core.ids import sha256_of_record
from tasks.features.engine.feature import Feature
from tasks.features.families import (
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
from tasks.features.families.alpha158 import alpha158

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


# What neutral transforms remove besides the sector: size (market value if known, else dollar volume) and beta.
MARKET_CAP, TRADED, BETA = "log_market_cap", "log_dollar_volume_21", "beta_252"


def feature_names() -> tuple[str, ...]:
    """Return the names of all features, in the order of the matrix."""
    return tuple(feature.name for feature in FEATURES)


def selected(names: Sequence[str] | None = None) -> tuple[Feature, ...]:
    """Return the named features in the given order; all if `names` is None."""
    if names is None:
        return FEATURES
    unknown = [name for name in names if name not in _by_name()]
    if unknown:
        raise ConfigError(
            f"Unknown feature: {', '.join(unknown)}.",
            remedy="Use names from docs/features.md.",
            unknown=unknown,
        )
    return tuple(_by_name()[name] for name in names)


def feature_set(names: Sequence[str] | None = None) -> str:
    """Return the hash of a set's names, order, versions, windows, transforms and inputs."""
    return sha256_of_record(
        [[f.name, f.version, f.window, f.transform, list(f.inputs)] for f in selected(names)]
    )


def warm_up(names: Sequence[str] | None = None) -> int:
    """Return how many sessions, the last included, the set's values depend on."""
    return max(reach(feature) for feature in selected(names))


def reach(feature: Feature) -> int:
    """Return how many sessions a feature depends on after its transform, including neutralized factors."""
    return max((feature.window, *(factor.window for factor in factors([feature]))))


def factors(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Return the features that neutral transforms remove, if any of the features has one."""
    is_needed = any(feature.transform == "neutral_rank" for feature in features)
    return selected((MARKET_CAP, TRADED, BETA)) if is_needed else ()


def require_feature_set(columns: Sequence[str], *, trained_on: str) -> None:
    """Raise ModelError unless names, order and versions of the columns equal the training's."""
    known = all(name in _by_name() for name in columns)
    if not known or feature_set(columns) != trained_on:
        raise ModelError(
            f"The model was trained on a different feature set ({trained_on[:12]}) from the {len(columns)} features "
            "provided.",
            remedy="Run `afterclose weekly` to train a champion on the current set, or roll back the code.",
            trained_on=trained_on,
        )


@cache
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in FEATURES}
