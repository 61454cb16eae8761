"""Measure everything, print it, and keep it in docs/performance.md. Nothing here fails for being slow."""

import os
import platform
import sys

from tests.bench import day
from tests.bench.table import write


def main() -> None:
    """Run every bench in turn."""
    sections = day.measure()
    machine = f"Measured on {os.cpu_count()} cores, Python {platform.python_version()}, by `make bench`."
    write(sections, machine)
    for title, text in sections.items():
        sys.stdout.write(f"\n{title}\n\n{text}\n")


if __name__ == "__main__":
    main()
