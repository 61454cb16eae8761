"""The embedded market, for learning and for proofs: made anew from its parameters at every call, offline.

It hands over what anybody could have seen by the close. What really drives it stays behind (simulation/truth.py).
"""

from dataclasses import dataclass
from datetime import date

from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, Provider
from tasks.data.schema.columns import EVERY_TABLE, Table
from tasks.simulation.delivery import deliver
from tasks.simulation.parameters import Parameters
from tasks.simulation.walk import walk


@dataclass(frozen=True)
class SimulatedProvider:
    """Gives every table, and never fails unless it is told to (simulation/faults.py)."""

    parameters: Parameters
    name: str = "simulated"
    capabilities: frozenset[Table] = EVERY_TABLE

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Walk the market to `through` and return what is later than `after`."""
        return deliver(walk(self.parameters, through), after=after).only(tables)


def make(run: Run) -> Provider:
    """Return the market that the settings describe."""
    simulated = run.settings.data.simulated
    return SimulatedProvider(
        Parameters(
            seed=simulated.seed,
            symbols=simulated.symbols,
            first_session=simulated.first_session,
            information_coefficient=simulated.information_coefficient,
            fault_rate=simulated.fault_rate,
        )
    )
