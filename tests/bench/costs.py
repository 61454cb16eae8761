"""Time the cost model: the 20 positions of docs/costs.md in one call, against one call for each."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from tasks.costs.model import Conditions, estimate
from tests.bench.table import Row, table
from tests.builders import make_settings
from tests.documentation.costs_page import NAMES, TRADE_DATE, shares_of

RUNS = 500
GOAL_MS = 5


def measure() -> dict[str, str]:
    """Return the table by its title."""
    costs, shares = make_settings().costs, shares_of(1e6)
    price, volatility, adv = NAMES[:, 0], NAMES[:, 2], NAMES[:, 1] / NAMES[:, 0]

    def together() -> None:
        estimate(
            shares, np.ones(len(shares), bool), Conditions(price, volatility, adv, TRADE_DATE), costs=costs
        )

    def one_by_one() -> None:
        for name in range(len(shares)):
            alone = slice(name, name + 1)
            conditions = Conditions(price[alone], volatility[alone], adv[alone], TRADE_DATE)
            estimate(shares[alone], np.ones(1, bool), conditions, costs=costs)

    ours, baseline = milliseconds(together), milliseconds(one_by_one)
    row = Row(
        "costs of 20 positions",
        f"{ours:.2f} ms",
        f"{baseline:.2f} ms, one call for each",
        f"{baseline / ours:.0f}×",
        f"{GOAL_MS} ms",
    )
    return {"Costs, processor time": table([row])}


def milliseconds(work: Callable[[], None]) -> float:
    """Return the median time of the work after a warm-up."""
    work()
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return 1000 * statistics.median(seconds)
