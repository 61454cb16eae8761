"""Run one day whose provider has its answer at hand: `python -m tests.bench.served_day HOME DAY`.

The simulated market is regenerated from its first session at every call, which a provider of real data does not do.
Its time is therefore measured apart: `python -m tests.bench.served_day HOME` stores the response next to the home.
"""

import os
import pickle
import sys
from datetime import date
from pathlib import Path

from flows.cli.app import set_up_process
from flows.start import main as start
from tests.bench.day import DAY, DAY_BEFORE, answer_of


def main() -> None:
    """Compute and keep the answer, or run the day with it."""
    home = Path(sys.argv[1])
    if len(sys.argv) == 2:
        answer_of(home).write_bytes(pickle.dumps(_computed(home)))
        return
    set_up_process()  # as the command does, before anything imports Arrow
    sys.modules["coverage"] = None  # type: ignore[assignment] # a tool of developers: numba imports it where it is
    from tasks.data import task
    from tests.bench.served_provider import Served

    kept = pickle.loads(answer_of(home).read_bytes())  # noqa: S301 - written by the branch above
    task.make_provider = lambda _run: Served(kept)
    os.environ.pop("AFTERCLOSE_HOME", None)
    sys.argv = ["afterclose", "--home", str(home), "daily", "--date", sys.argv[2]]
    start()


def _computed(home: Path) -> object:
    from tasks.core.homes.opening import open_run
    from tasks.simulation.provider import make

    with open_run(home=home, day=DAY, profile=None, doing="bench", environ={}) as run:
        return make(run).fetch(after=date.fromisoformat(DAY_BEFORE), through=date.fromisoformat(DAY))


if __name__ == "__main__":
    main()
