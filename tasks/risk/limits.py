"""Compare risk figures with their limits: within the limit, near it (early warning), or above it (breached).

Changes no weights and blocks nothing: limits that trades must respect are in portfolio and safety.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

State = Literal["within", "warning", "breached", "unknown"]
TOLERANCE = 1e-9  # figures are sums of floats: an exact limit may be missed by rounding


class LimitState(NamedTuple):
    """One figure against its limit. `used` is the figure over the limit; an unknown figure is never `within`."""

    name: str
    value: float
    limit: float
    used: float
    state: State


def limit_states(
    values: Mapping[str, float], limits: Mapping[str, float], *, warn_at_frac: float
) -> tuple[LimitState, ...]:
    """Return the state of every limit, in the order of `limits`; a limit without a value is unknown."""
    return tuple(
        _state(name, values.get(name, float("nan")), limit, warn_at_frac) for name, limit in limits.items()
    )


def _state(name: str, value: float, limit: float, warn_at_frac: float) -> LimitState:
    if not np.isfinite(value):
        return LimitState(name, value, limit, float("nan"), "unknown")
    used = value / limit
    state: State = (
        "breached" if used > 1 + TOLERANCE else "warning" if used >= warn_at_frac - TOLERANCE else "within"
    )
    return LimitState(name, value, limit, used, state)
