"""Walk the market as a whole: its regime, drift, volatility, daily move, volatility index and T-bill yield.

Regimes are a Markov chain whose states are kept for some sessions before they may be left. The walk never looks at
companies, and no row of it depends on a later one.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Climate:
    """How the market behaves in one regime; drift (log) and volatility are annual fractions."""

    name: str
    drift: float
    volatility: float
    index_level: float  # where the volatility index settles, percent
    mean_sessions: int
    least_sessions: int  # shorter stays would be invisible to anybody
    exits: tuple[float, ...]  # chance of each climate, in the order below, once this one is left


CLIMATES = (
    Climate("BULL", 0.21, 0.11, 13.0, 250, 60, (0.00, 0.85, 0.13, 0.02)),
    Climate("NEUTRAL", 0.03, 0.16, 18.5, 110, 40, (0.62, 0.00, 0.33, 0.05)),
    Climate("BEAR", -0.26, 0.25, 28.0, 90, 30, (0.20, 0.50, 0.00, 0.30)),
    Climate("CRASH", -1.20, 0.50, 50.0, 20, 8, (0.00, 0.45, 0.55, 0.00)),
)
CALM_VOLATILITY = CLIMATES[0].volatility / sqrt(SESSIONS_PER_YEAR)
SHOCK_FREEDOM = 6  # of Student's t: daily moves have fat tails
LARGEST_SHOCK = 5.0  # in standard deviations; beyond it a calm year would hold a crash day


@dataclass(frozen=True)
class MarketPath:
    """One value a session; returns are log returns, volatility is daily."""

    regime: NDArray[np.int8]  # index into CLIMATES
    drift: Series
    volatility: Series
    shock: Series  # the market's move around its drift
    volatility_index: Series  # percent
    bill_yield_pct: Series


def walk_market(parameters: Parameters, count: int) -> MarketPath:
    """Walk `count` sessions."""
    regime = _walk_regimes(parameters.generator("regime").random((count, 2)))
    drift = np.array([climate.drift for climate in CLIMATES])[regime] / SESSIONS_PER_YEAR
    shocks = _bounded_t(parameters.generator("market"), count)
    mood = _walk_mood(parameters.generator("mood").standard_normal(count), shocks)
    volatility = _walk_volatility(regime, mood)
    shock = volatility * shocks
    noise = parameters.generator("volatility index").standard_normal(count)
    return MarketPath(
        regime=regime,
        drift=drift,
        volatility=volatility,
        shock=shock,
        volatility_index=_walk_index(regime, mood, drift + shock, noise),
        bill_yield_pct=_walk_yield(parameters.generator("yield").standard_normal(count)),
    )


def _bounded_t(generator: np.random.Generator, count: int) -> Series:
    scale = sqrt((SHOCK_FREEDOM - 2) / SHOCK_FREEDOM)
    draws = generator.standard_t(SHOCK_FREEDOM, count) * scale
    return np.clip(draws, -LARGEST_SHOCK, LARGEST_SHOCK)


def _walk_regimes(chances: Series) -> NDArray[np.int8]:
    """Follow the chain: the first column says whether a state is left, the second where to."""
    states = np.empty(len(chances), dtype=np.int8)
    state, stayed = 0, CLIMATES[0].least_sessions
    for row, (leave, where) in enumerate(chances):
        climate = CLIMATES[state]
        hazard = 1 / (climate.mean_sessions - climate.least_sessions)
        if stayed >= climate.least_sessions and leave < hazard:
            state, stayed = int(np.searchsorted(np.cumsum(climate.exits), where, side="right")), 0
        states[row] = state
        stayed += 1
    return states


def _walk_mood(noise: Series, shocks: Series) -> Series:
    """Let volatility cluster: log deviation from the regime's own level, fed by large moves."""
    mood, walked = 0.0, np.empty(len(noise))
    for row in range(len(noise)):
        walked[row] = mood
        mood = 0.95 * mood + 0.04 * noise[row] + 0.05 * (abs(shocks[row]) - 0.75)
        mood = min(max(mood, -0.35), 0.35)
    return walked


def _walk_volatility(regime: NDArray[np.int8], mood: Series) -> Series:
    """Move to a new regime's volatility within a few sessions."""
    targets = [log(climate.volatility / sqrt(SESSIONS_PER_YEAR)) for climate in CLIMATES]
    level, walked = targets[regime[0]], np.empty(len(regime))
    for row, state in enumerate(regime):
        level += 0.6 * (targets[state] - level)
        walked[row] = exp(level + mood[row])
    return walked


def _walk_index(regime: NDArray[np.int8], mood: Series, move: Series, noise: Series) -> Series:
    """Quote the volatility index: close to the regime's level in 1–3 sessions, up when the market falls."""
    targets = [log(climate.index_level) for climate in CLIMATES]
    level, drifting, walked = targets[regime[0]], 0.0, np.empty(len(regime))
    for row, state in enumerate(regime):
        drifting = 0.9 * drifting + 0.02 * noise[row]
        level += 0.5 * (targets[state] + 0.4 * mood[row] + drifting - level)
        level -= 2.0 * min(max(move[row], -0.04), 0.04)
        walked[row] = exp(level)
    return walked


def _walk_yield(noise: Series) -> Series:
    """Walk the 13-week T-bill yield in percent: slow, around 3, never below 0.05."""
    level, walked = 2.5, np.empty(len(noise))
    for row, draw in enumerate(noise):
        level = max(level + 0.001 * (3.0 - level) + 0.03 * draw, 0.05)
        walked[row] = level
    return walked
