"""Say how much of the book a state allows. Never raises a cap, and knows no state that the settings do not name."""

import math

from config import sections
from tasks.core.errors import ConfigError

HALVED = 0.5


def exposure_cap(state: str, volatility_pct: float, rules: sections.Regime) -> float:
    """Return the largest share of the book that may be invested.

    A volatility index above the limit halves it, and so does one that nobody knows. An unknown state is an error:
    a cap is never guessed.
    """
    caps: dict[str, float] = {str(name): cap for name, cap in rules.exposure_cap.items()}
    if state not in caps:
        raise ConfigError(
            f"There is no exposure cap for the regime {state!r}.",
            remedy=f"Name it under regime.exposure_cap, beside {', '.join(caps)}.",
            key="regime.exposure_cap",
        )
    return caps[state] * (HALVED if is_reduced(volatility_pct, rules) else 1.0)


def is_reduced(volatility_pct: float, rules: sections.Regime) -> bool:
    """Say whether volatility alone halves what may be invested."""
    return math.isnan(volatility_pct) or volatility_pct > rules.reduce_above_volatility
