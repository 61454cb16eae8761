"""The exposure cap of each regime. A state without a cap in the settings is an error."""

import math

from config import sections
from tasks.core.errors import ConfigError


def exposure_cap(state: str, volatility_pct: float, rules: sections.Regime) -> float:
    """Return the largest fraction of the portfolio that may be invested.

    A volatility index (percent) above the limit reduces it, and so does an unknown one (NaN). Raises ConfigError for a
    state without a cap.
    """
    caps: dict[str, float] = {str(name): cap for name, cap in rules.exposure_cap.items()}
    if state not in caps:
        raise ConfigError(
            f"There is no exposure cap for the regime {state!r}.",
            remedy=f"Add it to regime.exposure_cap, which has {', '.join(caps)}.",
            key="regime.exposure_cap",
        )
    return caps[state] * (rules.reduced_exposure if is_reduced(volatility_pct, rules) else 1.0)


def is_reduced(volatility_pct: float, rules: sections.Regime) -> bool:
    """Return whether the volatility index, in percent, reduces the cap; NaN does."""
    return math.isnan(volatility_pct) or volatility_pct > rules.reduce_above_volatility
