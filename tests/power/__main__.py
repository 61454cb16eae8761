"""Measure the power of the selection and rewrite the tables of docs/model-selection.md (`make power`).

`python -m tests.power [--folder FOLDER] [--minutes MINUTES] [--planted IC]` measures the markets that have no result in
the directory yet, of one signal strength or of all. It starts no market after MINUTES, and writes the tables from all
results available.
"""

import argparse
import sys
import warnings
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.power.measure import Result, measure_panel
from tests.power.proof import judge
from tests.power.store import (
    FOLDER,
    MARKETS,
    STRENGTHS,
    folder_of_this_code,
    measure_all,
    read_result,
    stored,
    write_result,
)
from tests.power.table import page_of
from tests.real_market import REAL_DATA, import_real_data, read_real_panel

PAGE = Path(__file__).parents[2] / "docs" / "model-selection.md"
BEGIN, END = "<!-- power: begin -->", "<!-- power: end -->"
LAST_REAL_SESSION = date(2015, 12, 31)  # the defaults are tuned on real data before 2016 only


def real_result(folder: Path) -> Result | None:
    """Return the result on real prices, measured once; None where they are not there."""
    path = folder / "real.json"
    if not path.is_file() and (REAL_DATA / "prices.parquet").is_file():
        with TemporaryDirectory() as home:
            import_real_data(Path(home))
            write_result(path, measure_panel(read_real_panel(Path(home), LAST_REAL_SESSION)))
    return read_result(path) if path.is_file() else None


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are stored")
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no other market after this time")
    parser.add_argument(
        "--planted", type=float, choices=(0.0, *STRENGTHS), help="measure this strength alone"
    )
    parser.add_argument(
        "--judge", action="store_true", help="with --planted: state the result, write no page"
    )
    given = parser.parse_args()
    folder = folder_of_this_code(given.folder)
    wanted = [market for market in MARKETS if given.planted in {None, market[0]}]
    measure_all(folder, wanted, minutes=given.minutes)
    results = stored(folder, MARKETS)
    if not results:
        raise SystemExit(f"There are no results in {folder} yet.")
    if given.judge and given.planted is not None:
        passed, text = judge(results, given.planted)
        sys.stdout.write(f"{text}\n")
        raise SystemExit(0 if passed else 1)
    page = page_of(results, real_result(folder))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{page}\n\n{END}{rest.split(END)[1]}")
    sys.stdout.write(f"\n{page}\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", RuntimeWarning)
    main()
