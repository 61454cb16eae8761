"""Make the home that the whole day is measured in: 500 names, ten years, a champion, the session before run."""

from datetime import date

from flows.weekly import weekly_champion
from tasks.core.open import open_run
from tests.bench.day import DAY_BEFORE, HOME
from tests.homes import configure, run_day

MARKET = {"data": {"simulated": {"symbols": 500, "first_session": "2014-06-16"}}}
TRAINED = "2024-06-07"


def main() -> None:
    """Simulate, train, and run the session before the one that is measured."""
    configure(HOME, MARKET)
    with open_run(home=HOME, day=TRAINED, profile=None, doing="bench", environ={}) as run:
        weekly_champion(run, quick=True)
    run_day(HOME, date.fromisoformat(DAY_BEFORE))


if __name__ == "__main__":
    main()
