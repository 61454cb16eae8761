"""Create the home for measuring a day: a number of names, ten years, a champion, the previous session run.

`python -m tests.bench.ready_home SYMBOLS`
"""

import shutil
import sys
from datetime import date

from flows.weekly import weekly_champion
from tasks.core.homes.opening import open_run
from tests.bench.day import DAY_BEFORE, FEW, home_of
from tests.homes import configure, run_day

TRAINED = "2024-06-07"


def main() -> None:
    """Simulate, train, and run the session before the measured one; the champion is trained on few names."""
    symbols = int(sys.argv[1])
    home = home_of(symbols)
    configure(home, {"data": {"simulated": {"symbols": symbols, "first_session": "2014-06-16"}}})
    if symbols == FEW:
        with open_run(home=home, day=TRAINED, profile=None, doing="bench", environ={}) as run:
            weekly_champion(run, quick=True)
    else:
        shutil.copytree(home_of(FEW) / "production", home / "production")
    run_day(home, date.fromisoformat(DAY_BEFORE))


if __name__ == "__main__":
    main()
