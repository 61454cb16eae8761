"""How soon prices that move three times as much are found by the alert `moves`, and how often it comes without a fault.

`python -m tests.power.moves` needs no champion: the alert is a function of prices and the volatility index. The
thresholds were set on markets 101 to 110. docs/monitoring.md has the figures.
"""

import sys

from tasks.data.schema.records import Panel
from tasks.monitoring.data_health import data_alerts, data_figures
from tests.power.alerts import LIMITS, QUARTER, QUIET_NAMES, wilder_market
from tests.simulated import known_market
from tests.unit.features.panels import rows_of

SEEDS = range(501, 510)
SESSIONS, FIRST, APART = (
    2_852,
    400,
    97,
)  # sessions: of a market, before the first look, from one fault to the next
WINDOW = 100


def has_alert(panel: Panel, row: int) -> bool:
    """Return whether the moves are an alert on the session of this row."""
    figures = data_figures(rows_of(panel, slice(row + 1 - WINDOW, row + 1)))
    return any(alert.name == "moves" for alert in data_alerts(figures, LIMITS, scored=1, left_out=0))


def quiet_quarters(panel: Panel) -> list[bool]:
    """Return for each quarter whether it has an alert."""
    firsts = range(FIRST, len(panel.sessions) - QUARTER + 1, QUARTER)
    return [any(has_alert(panel, row) for row in range(first, first + QUARTER)) for first in firsts]


def sessions_until(panel: Panel) -> list[int | None]:
    """Return for each fault, one at a time, the session of the first alert; None: not in a quarter."""
    found: list[int | None] = []
    for first in range(FIRST, len(panel.sessions) - QUARTER + 1, APART):
        faulty = wilder_market(panel, first)
        found.append(next((k + 1 for k in range(QUARTER) if has_alert(faulty, first + k)), None))
    return found


def main() -> None:
    """Measure and print; one line per market."""
    for seed in SEEDS:
        panel = known_market(
            seed=seed, symbols=QUIET_NAMES, sessions=SESSIONS, information_coefficient=0.05
        ).panel
        quiet = quiet_quarters(panel)
        sys.stdout.write(f"{seed}: {sum(quiet)} of {len(quiet)} quarters; {sessions_until(panel)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
