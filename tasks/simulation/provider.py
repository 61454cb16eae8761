"""The embedded simulated market, for demonstration and tests: regenerated from its parameters at every call, offline.

It delivers only what was public at the close. What drives the market is in simulation/truth.
"""

from dataclasses import dataclass
from datetime import date

from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, Provider
from tasks.data.schema.columns import EVERY_TABLE, Table
from tasks.data.schema.records import NEWEST_SIMULATION
from tasks.simulation.delivery.frames import deliver
from tasks.simulation.market_history import simulate_history
from tasks.simulation.parameters import Parameters


@dataclass(frozen=True)
class SimulatedProvider:
    """Delivers every table, without faults unless configured (simulation/faults)."""

    parameters: Parameters
    name: str = "simulated"
    capabilities: frozenset[Table] = EVERY_TABLE

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Simulate the market to `through` and return the sessions later than `after`."""
        return deliver(simulate_history(self.parameters, through), after=after).only(tables)


def make(run: Run) -> Provider:
    """Return the simulated market of the settings."""
    simulated = run.settings.data.simulated
    return SimulatedProvider(
        Parameters(
            seed=simulated.seed,
            symbols=simulated.symbols,
            first_session=simulated.first_session,
            information_coefficient=simulated.information_coefficient,
            fault_rate=simulated.fault_rate,
            version=simulated.version or NEWEST_SIMULATION,
        )
    )
