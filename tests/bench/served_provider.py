"""The simulated provider with an answer that was computed before."""

from dataclasses import dataclass
from datetime import date

from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import EVERY_TABLE, Table
from tests.bench.day import DAY, DAY_BEFORE


@dataclass(frozen=True)
class Served:
    """Answers with what it holds, for the session after the home's last."""

    delivery: Delivery
    name: str = "simulated"
    capabilities: frozenset[Table] = EVERY_TABLE

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return the stored answer."""
        assert (str(after), str(through)) == (DAY_BEFORE, DAY)
        return self.delivery.only(tables)
