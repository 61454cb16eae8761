"""Measure, print the tables, and write them to docs/performance.md. Nothing here fails for being slow.

`python -m tests.bench` runs every bench; `python -m tests.bench features` one, whose tables alone are rewritten.
"""

import os
import platform
import sys

from tests.bench import backtest, costs, day, decision, execution, features, lake, risk, sql, weights
from tests.bench.table import PAGE, sections_of, with_sections

BENCHES = {
    "backtest": backtest.measure,
    "costs": costs.measure,
    "day": day.measure,
    "decision": decision.measure,
    "execution": execution.measure,
    "features": features.measure,
    "lake": lake.measure,
    "risk": risk.measure,
    "sql": sql.measure,
    "weights": weights.measure,
}


def main() -> None:
    """Run the named benches, or all."""
    chosen = sys.argv[1:] or list(BENCHES)
    measured: dict[str, str] = {}
    for name in chosen:
        measured |= BENCHES[name]()
    for title, text in measured.items():
        sys.stdout.write(f"\n{title}\n\n{text}\n")
    machine = f"Measured on {os.cpu_count()} cores, Python {platform.python_version()}, by `make bench`."
    page = PAGE.read_text()
    kept = {} if set(chosen) == set(BENCHES) else sections_of(page)
    PAGE.write_text(with_sections(page, kept | measured, machine))


if __name__ == "__main__":
    main()
