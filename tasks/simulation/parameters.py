"""Name a simulated market: equal parameters give equal markets, whatever session they are walked to.

Every purpose draws from a generator of its own, session after session, so that a longer walk begins with the
very numbers of a shorter one.
"""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

SESSIONS_PER_YEAR = 252


@dataclass(frozen=True)
class Parameters:
    """What a market is made from. `information_coefficient` 0 plants no alpha, `fault_rate` 0 no faults."""

    seed: int
    symbols: int
    first_session: date
    information_coefficient: float
    fault_rate: float = 0.0  # share of delivered bars with something wrong

    def generator(self, purpose: str, *place: int) -> np.random.Generator:
        """Return the random numbers of one purpose (and place, e.g. a session), independent of all others."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), *place])
