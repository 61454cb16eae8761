"""One side of the features bench, in its own process: `python -m tests.bench.sides NAME FOLDER RUNS`.

Prepares what the side works on, does the work `runs` times (short work more often, until it has taken AT_LEAST), and
prints the seconds of each as a JSON list.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

THREADS = "2"
AT_LEAST = 3.0  # seconds of repeated work: the first half second is slower on every side

Work = Callable[[], object]


def ours_twenty(folder: Path) -> Work:
    from tests.bench.twenty import TWENTY

    return _ours(folder, TWENTY)


def ours_fourteen(folder: Path) -> Work:
    from tasks.features.registry import selected
    from tests.bench.rivals.qlib_store import FOURTEEN

    return _ours(folder, selected(FOURTEEN))


def ours_alpha158(folder: Path) -> Work:
    from tasks.features.families.alpha158.alpha158 import FEATURES

    return _ours(folder, FEATURES)


def ours_stored(folder: Path) -> Work:
    """150 features with their cross-sectional forms, streamed to the disk."""
    from tasks.data.schema.records import SnapshotRef
    from tasks.features.compute import compute_last
    from tasks.features.registry import feature_names
    from tasks.features.store import stored_features
    from tests.bench.market import read_panel

    panel, names = read_panel(folder), feature_names()[:150]
    compute_last(panel, names)  # reads the machine code from the disk
    snapshot = SnapshotRef("bench", folder, panel.sessions[-1].item(), {})
    return lambda: stored_features(folder / "matrices", panel, snapshot, names)


def last_row_standard(folder: Path) -> Work:
    from tasks.features.sets import SETS

    return _last_row(folder, SETS["standard"])


def last_row_150(folder: Path) -> Work:
    from tasks.features.registry import feature_names

    return _last_row(folder, feature_names()[:150])


def last_row_all(folder: Path) -> Work:
    from tasks.features.registry import feature_names

    return _last_row(folder, feature_names())


def last_row_from_lake(home: Path) -> Work:
    """The last row of the standard set, as in the daily run."""
    from tasks.core.homes.opening import open_run
    from tasks.data.panel.reader import read_panel
    from tasks.data.task import refresh_market
    from tasks.features.compute import compute_last
    from tasks.features.registry import warm_up
    from tasks.features.sets import SETS
    from tests.bench.day import DAY_BEFORE

    with open_run(home=home, day=DAY_BEFORE, profile=None, doing="bench", environ={}) as run:
        snapshot = refresh_market(run).snapshot
    names = SETS["standard"]
    return lambda: compute_last(read_panel(snapshot, window=warm_up(names)), names)


def pandas(folder: Path) -> Work:
    from tests.bench.market import read_long
    from tests.bench.rivals.pandas_groupby import twenty

    bars = read_long(folder).to_pandas()
    return lambda: twenty(bars)


def polars(folder: Path) -> Work:
    from polars import from_arrow

    from tests.bench.market import read_long
    from tests.bench.rivals.polars_over import twenty

    bars = from_arrow(read_long(folder))
    return lambda: twenty(bars)


def duckdb(folder: Path) -> Work:
    from tests.bench.market import read_long
    from tests.bench.rivals.duckdb_windows import connected, twenty

    connection = connected(read_long(folder))
    return lambda: twenty(connection)


def _ours(folder, features):
    from tasks.features.compute import compute_raw
    from tests.bench.market import read_panel

    panel = read_panel(folder)
    return lambda: compute_raw(panel, features)


def _last_row(folder, names):
    """From the sessions that the features need."""
    from tasks.features.compute import compute_last
    from tasks.features.registry import warm_up
    from tests.bench.market import read_panel
    from tests.unit.features.panels import rows_of

    tail = rows_of(read_panel(folder), slice(-warm_up(names), None))
    return lambda: compute_last(tail, names)


SIDES = {
    side.__name__: side
    for side in (
        *(ours_twenty, ours_fourteen, ours_alpha158, ours_stored),
        *(last_row_standard, last_row_150, last_row_all, last_row_from_lake),
        *(pandas, polars, duckdb),
    )
}


def main() -> None:
    os.environ["POLARS_MAX_THREADS"] = THREADS
    name, folder, runs = sys.argv[1:]
    work = SIDES[name](Path(folder))
    seconds = []
    while len(seconds) < int(runs) or (int(runs) > 1 and sum(seconds) < AT_LEAST):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
