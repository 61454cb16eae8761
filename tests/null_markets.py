"""Light markets without a signal: what the statistic of a test must not see. Only scores, returns and controls.

What makes null tests reject is there: scores that hardly change from session to session, returns that overlap, factors
whose exposures the scores share, volatility that comes in clusters, and fat tails.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from tasks.models.training.controls import Controls, make_controls


@dataclass(frozen=True)
class NullMarket:
    """One row per session and name, by session."""

    sessions: np.ndarray
    scores: np.ndarray
    returns: np.ndarray
    controls: Controls


def null_market(
    seed: int, *, sessions: int = 380, names: int = 150, horizon: int = 5, persistence: float = 0.98
) -> NullMarket:
    """Return scores with this autocorrelation from session to session and returns over the horizon, unrelated."""
    rng = np.random.default_rng(seed)
    days = sessions + horizon
    exposure = rng.normal(size=(4, names))  # to beta, volatility, size and a style that nothing is cleaned of
    sector = rng.integers(0, 8, names)
    volatility = np.exp(_persistent(rng, (days, 1), 0.98, 0.5))
    factors = volatility * rng.standard_t(4, (days, 4)) * np.array([0.6, 0.4, 0.3, 0.2])
    of_sector = volatility * rng.standard_t(4, (days, 8)) * 0.3
    own = volatility * rng.standard_t(4, (days, names))
    daily = factors @ exposure + of_sector[:, sector] + own
    total = np.cumsum(np.vstack([np.zeros(names), daily]), axis=0)
    own_score = _persistent(rng, (sessions, names), persistence, 1.0)
    scores = own_score + rng.normal(0, 0.5, 4) @ exposure + rng.normal(0, 0.3, 8)[sector]
    session = np.repeat(np.arange(sessions), names)
    return NullMarket(
        session,
        scores.ravel(),
        (total[horizon + 1 :] - total[1:-horizon]).ravel(),
        make_controls(
            session,
            np.tile(sector, sessions),
            dict(
                zip(
                    ("beta", "volatility", "dollar_volume"),
                    (np.tile(e, sessions) for e in exposure),
                    strict=False,
                )
            ),
        ),
    )


def _persistent(rng: np.random.Generator, shape: tuple[int, int], phi: float, deviation: float) -> np.ndarray:
    """Return autoregressive columns with this deviation, stationary from the first row on."""
    shocks = rng.normal(0, deviation * np.sqrt(1 - phi**2), shape)
    shocks[0] /= np.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], shocks, axis=0)
