"""Simulate the market as a whole: its regime, drift, volatility, daily move, volatility index and T-bill yield.

Regimes are a Markov chain with a minimum stay in each state. The simulation is independent of companies, and no row
depends on a later one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters

Series = NDArray[np.float64]


@dataclass(frozen=True)
class RegimeParameters:
    """Parameters of one regime; drift (log) and volatility are annual fractions."""

    name: str
    drift: float
    volatility: float
    index_level: float  # long-run volatility index, percent
    mean_sessions: int
    min_sessions: int  # shorter stays could not be detected
    exits: tuple[float, ...]  # probability of each regime, in the order below, at a change


REGIMES = (
    RegimeParameters("BULL", 0.21, 0.11, 13.0, 250, 60, (0.00, 0.85, 0.13, 0.02)),
    RegimeParameters("NEUTRAL", 0.03, 0.16, 18.5, 110, 40, (0.62, 0.00, 0.33, 0.05)),
    RegimeParameters("BEAR", -0.26, 0.25, 28.0, 90, 30, (0.20, 0.50, 0.00, 0.30)),
    RegimeParameters("CRASH", -1.20, 0.50, 50.0, 20, 8, (0.00, 0.45, 0.55, 0.00)),
)
INDEX_REACTION = 0.4  # of the log volatility index to the clustering
CALM_VOLATILITY = REGIMES[0].volatility / sqrt(SESSIONS_PER_YEAR)
SHOCK_FREEDOM = 6  # of Student's t: daily moves have fat tails
LARGEST_SHOCK = 5.0  # in standard deviations; larger ones would put a crash day into a calm year


@dataclass(frozen=True)
class MarketPath:
    """One value per session; returns are log returns, volatility is daily."""

    regime: NDArray[np.int8]  # index into REGIMES
    drift: Series
    volatility: Series
    shock: Series  # the market's return minus its drift
    volatility_index: Series  # percent
    bill_yield_pct: Series
    overnight: Series | None = None  # log return from close to open; None: drawn by the tape


def simulate_path(parameters: Parameters, count: int) -> MarketPath:
    """Simulate `count` sessions."""
    regime = simulate_regimes(parameters.generator("regime").random((count, 2)))
    drift = np.array([regime_parameters.drift for regime_parameters in REGIMES])[regime] / SESSIONS_PER_YEAR
    shocks = _bounded_t(parameters.generator("market"), count)
    clustering = _simulate_clustering(parameters.generator("mood").standard_normal(count), shocks)
    volatility = simulate_volatility(regime, clustering, [each.volatility for each in REGIMES])
    shock = volatility * shocks
    noise = parameters.generator("volatility index").standard_normal(count)
    return MarketPath(
        regime=regime,
        drift=drift,
        volatility=volatility,
        shock=shock,
        volatility_index=simulate_index(regime, INDEX_REACTION * clustering, drift + shock, noise),
        bill_yield_pct=simulate_yield(parameters.generator("yield").standard_normal(count)),
    )


def _bounded_t(generator: np.random.Generator, count: int) -> Series:
    scale = sqrt((SHOCK_FREEDOM - 2) / SHOCK_FREEDOM)
    draws = generator.standard_t(SHOCK_FREEDOM, count) * scale
    return np.clip(draws, -LARGEST_SHOCK, LARGEST_SHOCK)


def simulate_regimes(chances: Series) -> NDArray[np.int8]:
    """Follow the chain: the first column decides whether a state is left, the second the next one."""
    states = np.empty(len(chances), dtype=np.int8)
    state, stayed = 0, REGIMES[0].min_sessions
    for row, (leave, where) in enumerate(chances):
        regime_parameters = REGIMES[state]
        hazard = 1 / (regime_parameters.mean_sessions - regime_parameters.min_sessions)
        if stayed >= regime_parameters.min_sessions and leave < hazard:
            state, stayed = int(np.searchsorted(np.cumsum(regime_parameters.exits), where, side="right")), 0
        states[row] = state
        stayed += 1
    return states


def _simulate_clustering(noise: Series, shocks: Series) -> Series:
    """Return clustering log deviations of volatility from the regime's level, driven by large moves."""
    clustering, path = 0.0, np.empty(len(noise))
    for row in range(len(noise)):
        path[row] = clustering
        clustering = 0.95 * clustering + 0.04 * noise[row] + 0.05 * (abs(shocks[row]) - 0.75)
        clustering = min(max(clustering, -0.35), 0.35)
    return path


def simulate_volatility(
    regime: NDArray[np.int8], clustering: Series, annual_by_regime: Sequence[float]
) -> Series:
    """Return daily volatility, which reaches a new regime's level within a few sessions."""
    targets = [log(annual / sqrt(SESSIONS_PER_YEAR)) for annual in annual_by_regime]
    level, path = targets[regime[0]], np.empty(len(regime))
    for row, state in enumerate(regime):
        level += 0.6 * (targets[state] - level)
        path[row] = exp(level + clustering[row])
    return path


def simulate_index(regime: NDArray[np.int8], reaction: Series, move: Series, noise: Series) -> Series:
    """Return the volatility index: near the regime's level within 1–3 sessions, rising when the market falls.

    `reaction`: of its log level to the clustering of volatility.
    """
    targets = [log(regime_parameters.index_level) for regime_parameters in REGIMES]
    level, drifting, path = targets[regime[0]], 0.0, np.empty(len(regime))
    for row, state in enumerate(regime):
        drifting = 0.9 * drifting + 0.02 * noise[row]
        level += 0.5 * (targets[state] + reaction[row] + drifting - level)
        level -= 2.0 * min(max(move[row], -0.04), 0.04)
        path[row] = exp(level)
    return path


def simulate_yield(noise: Series) -> Series:
    """Return the 13-week T-bill yield in percent: slowly reverting to 3, at least 0.05."""
    level, path = 2.5, np.empty(len(noise))
    for row, draw in enumerate(noise):
        level = max(level + 0.001 * (3.0 - level) + 0.03 * draw, 0.05)
        path[row] = level
    return path
