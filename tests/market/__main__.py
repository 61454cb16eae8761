"""Compare markets with the real one, or with each other, and write the table of docs/simulated-market.md.

`python -m tests.market` simulates twenty markets of 16 years and rewrites the table of the page.
`python -m tests.market SOURCE [OTHER]` prints the figures of one market next to those of another, or the real ones.
A source is a home, a folder of files (docs/own-data.md), or `seed:N[:VERSION]`.
"""

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.market.measures import measure
from tests.market.real import REAL
from tests.market.sources import simulated_tape, tape_of
from tests.market.table import many_table, misses, pair_table

PAGE = Path(__file__).parents[2] / "docs" / "simulated-market.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SEEDS = range(401, 421)  # fresh: the parameters were tuned on seeds 301 to 320
VERSION, PROCESSES = 2, 2


def figures_of_seed(seed: int) -> dict[str, float]:
    """Return the figures of one simulated market."""
    warnings.simplefilter("ignore", RuntimeWarning)  # means of names without bars
    return measure(simulated_tape(seed=seed, version=VERSION))


def figures_of_seeds() -> list[dict[str, float]]:
    """Return the figures of the twenty markets of the comparison."""
    with ProcessPoolExecutor(PROCESSES) as processes:
        return list(processes.map(figures_of_seed, SEEDS))


def main(sources: list[str]) -> None:
    """Compare and print."""
    warnings.simplefilter("ignore", RuntimeWarning)
    if sources:
        first = measure(tape_of(sources[0]))
        second = measure(tape_of(sources[1])) if sources[1:] else REAL
        names = (sources[0], sources[1] if sources[1:] else "real")
        sys.stdout.write(f"{pair_table(first, second, names)}\n")
        return
    markets = figures_of_seeds()
    table = many_table(markets, REAL)
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}")
    sys.stdout.write(f"{table}\n\n")
    far = misses(markets, REAL)
    sys.stdout.write("\n".join(["Not as close as promised:", *far]) if far else "As close as promised.")
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:])
