"""How soon the alert `moves` detects prices that move three times as much, and how often it is raised without a fault.

`python -m tests.power.moves` needs no champion: the alert is a function of prices and the volatility index, so a
market takes 4 s of processor time. The thresholds were set on markets 101 to 320. docs/monitoring.md has the figures.
"""

import sys

from scipy.stats import binomtest

from tasks.data.schema.records import Matrix, Panel
from tasks.monitoring.data_health import (
    BEFORE_SESSIONS,
    MOVES_SESSIONS,
    data_alerts,
    moves_of,
    own_moves,
)
from tasks.monitoring.schema import DataFigures
from tests.power.alerts import LIMITS, QUARTER, QUIET_NAMES, wilder_market
from tests.simulated import known_market

SEEDS = range(1201, 1211)
SESSIONS, FIRST, APART = (
    2_852,
    400,
    97,
)  # sessions: of a market, before the first look, from one fault to the next
NEEDED = MOVES_SESSIONS + BEFORE_SESSIONS


def alerts_of(own: Matrix) -> list[bool]:
    """Return whether the moves are an alert, for each session from that on which enough are known."""
    found = []
    for end in range(NEEDED, len(own) + 1):
        moves, before = moves_of(own[:end])
        figures = DataFigures(100, 100.0, 1.0, 0.0, 0.0, moves, before)
        found.append(bool(data_alerts(figures, LIMITS, scored=1, left_out=0)))
    return found


def quiet_quarters(panel: Panel) -> list[bool]:
    """Return for each quarter whether it has an alert; quarters do not overlap."""
    found = alerts_of(own_moves(panel, slice(FIRST - NEEDED, None)))
    return [any(found[first : first + QUARTER]) for first in range(0, len(found) - QUARTER + 1, QUARTER)]


def sessions_until(panel: Panel) -> list[int | None]:
    """Return for each fault, one at a time, the session of the first alert; None: not in a quarter."""
    found: list[int | None] = []
    for first in range(FIRST, len(panel.sessions) - QUARTER + 1, APART):
        own = own_moves(wilder_market(panel, first), slice(first - NEEDED, first + QUARTER))
        found.append(next((place for place, alert in enumerate(alerts_of(own), 1) if alert), None))
    return found


def share(found: int, count: int) -> str:
    """Return the share with its exact 95% interval."""
    band = binomtest(found, count).proportion_ci()
    return f"{found} of {count} ({found / count:.1%}, 95% CI {band.low:.1%} to {band.high:.1%})"


def main() -> None:
    """Measure and print; one line per market, and the total so far."""
    quarters: list[bool] = []
    faults: list[int | None] = []
    for seed in SEEDS:
        panel = known_market(
            seed=seed, symbols=QUIET_NAMES, sessions=SESSIONS, information_coefficient=0.05
        ).panel
        quarters += quiet_quarters(panel)
        faults += sessions_until(panel)
        within = [sum(one is not None and one <= most for one in faults) for most in (21, QUARTER)]
        sys.stdout.write(
            f"{seed}: quiet quarters with an alert {share(sum(quarters), len(quarters))};"
            f" faults found within 21 sessions {share(within[0], len(faults))},"
            f" within {QUARTER} {share(within[1], len(faults))}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
