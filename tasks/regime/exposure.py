"""The exposure cap of each regime. A state without a cap in the settings is an error."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config import sections
from tasks.core.errors import ConfigError


class Allowances(NamedTuple):
    """The limits set by the regime, by session: the values of the `Regime` records of these days."""

    exposure_cap: NDArray[np.float64]
    allows_new_positions: NDArray[np.bool_]
    size_multiplier: NDArray[np.float64]
    max_buys_frac: NDArray[np.float64]
    stop_loss_frac: NDArray[np.float64]  # 0: no stop


def allowances(
    states: NDArray[np.str_], volatility_pct: NDArray[np.float64], rules: sections.Regime
) -> Allowances:
    """Return what each session's state and volatility index (percent) allow."""
    names = [str(state) for state in states]
    multiplier = {str(name): fraction for name, fraction in rules.size_multiplier.items()}
    buys = {str(name): fraction for name, fraction in rules.max_buys_frac.items()}
    stops = {str(name): fraction for name, fraction in rules.stop_loss_frac.items()}
    caps = [exposure_cap(name, level, rules) for name, level in zip(names, volatility_pct, strict=True)]
    return Allowances(
        np.array(caps, dtype=np.float64),
        np.array([name not in rules.no_new_positions for name in names], dtype=bool),
        np.array([multiplier[name] for name in names], dtype=np.float64),
        np.array([buys[name] for name in names], dtype=np.float64),
        np.array([stops[name] for name in names], dtype=np.float64),
    )


def everything_allowed(sessions: int) -> Allowances:
    """Return the limits if the regime is not used: none."""
    ones = np.ones(sessions)
    return Allowances(ones, np.ones(sessions, dtype=bool), ones, ones, np.zeros(sessions))


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
