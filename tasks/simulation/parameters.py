"""Parameters of a simulated market: equal parameters give equal markets, regardless of the last session.

Every purpose has its own random generator, drawn session by session, so that a longer history begins with the numbers
of a shorter one.
"""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.data.schema.records import NEWEST_SIMULATION

SESSIONS_PER_YEAR = 252


@dataclass(frozen=True)
class Parameters:
    """Parameters of a market. `information_coefficient` 0 plants no alpha, `fault_rate` 0 no faults."""

    seed: int
    symbols: int
    first_session: date
    information_coefficient: float
    fault_rate: float = 0.0  # fraction of delivered bars with a fault
    version: int = NEWEST_SIMULATION  # of the mechanics (simulation/mechanics)

    def generator(self, purpose: str, *position: int) -> np.random.Generator:
        """Return the generator of one purpose (and position, e.g. a session), independent of all others."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), *position])
