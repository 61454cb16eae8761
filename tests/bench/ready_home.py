"""Make a home that the whole day is measured in: so many names, ten years, a champion, the session before run.

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
    """Simulate, train, and run the session before the one that is measured; the champion is that of the few names."""
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
