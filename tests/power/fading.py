"""How soon a champion whose skill has gone is found: by the daily alerts, by its live record, and by any test at all.

`python -m tests.power.fading` simulates the neutral ICs of published days alone: normal, over five sessions, so that
each shares four fifths with the next one's. docs/monitoring.md has the figures.
"""

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.models.schema import Champion
from tasks.monitoring.realised_skill import skill_alerts, skill_windows
from tasks.monitoring.schema import Realised
from tasks.selection.live_verdict import live_verdict
from tasks.selection.schema import LiveDay
from tests.builders import make_settings
from tests.champions import FRIDAY, STATISTIC

SETTINGS = make_settings()
LIMITS = SETTINGS.monitoring
CHAMPION = Champion(
    "lightgbm", "lightgbm", "hrp", "", "", FRIDAY, FRIDAY, "", 0.5, {}, ranks=True, statistic=STATISTIC
)
HORIZON, TESTED, LIVE, EVERY = 5, 504, 504, 5  # sessions; looked at every fifth
DEVIATIONS = {100: 0.158, 500: 0.070}  # of a session's neutral IC, by the number of names
SIZES, LATEST = (0.02, 0.04, 0.08, 0.16), (126, 252, 504)
CHAMPIONS, SEED = 400, 16
NEVER = 10**6


def ics_of(random: np.random.Generator, mean: float, deviation: float) -> NDArray[np.float64]:
    """Return the ICs of consecutive sessions whose returns overlap."""
    steps = random.normal(0, deviation / sqrt(HORIZON), LIVE + HORIZON - 1)
    return mean + np.convolve(steps, np.ones(HORIZON), mode="valid")


def least_sessions(size: float, deviation: float, power: float) -> int:
    """Return the sessions that one look needs to tell this mean IC from none: at 5%, with this power."""
    normal = NormalDist()
    z = normal.inv_cdf(0.95) + normal.inv_cdf(power)
    return ceil((z * deviation * sqrt(HORIZON) / size) ** 2)


def until_found(random: np.random.Generator, size: float, deviation: float) -> tuple[int, int]:
    """Return the session of the first alert on skill, and that of the week in which the champion loses its place.

    Its true IC was `size` and is 0 now; the selection measured it with an error, and needed a t of 2.
    """
    error = deviation * sqrt(HORIZON / TESTED)
    expected = next(found for found in iter(lambda: random.normal(size, error), None) if found >= 2 * error)
    days = [FRIDAY + timedelta(days=place) for place in range(LIVE)]
    ics = ics_of(random, 0.0, deviation).tolist()
    realised = [_realised(day, ic, expected, error) for day, ic in zip(days, ics, strict=True)]
    record = [
        LiveDay(day, "lightgbm", ic, expected, error, TESTED) for day, ic in zip(days, ics, strict=True)
    ]
    looks = range(EVERY, LIVE + 1, EVERY)
    alert = (look for look in looks if skill_alerts(skill_windows(realised[:look], LIMITS), LIMITS))
    loss = (look for look in looks if _is_lost(record[:look]))
    return next(alert, NEVER), next(loss, NEVER)


def _is_lost(record: list[LiveDay]) -> bool:
    verdict = live_verdict(record, CHAMPION, SETTINGS.selection)
    return verdict is not None and not verdict.earns_its_place


def _realised(day: date, ic: float, expected: float, error: float) -> Realised:
    """A session of which the IC alone counts."""
    return Realised(
        session=day,
        measured_on=day,
        model="lightgbm",
        model_sha256="0" * 64,
        horizon_sessions=HORIZON,
        names=100,
        ic=ic,
        rank_ic=ic,
        neutral_ic=ic,
        quantiles=(0.0,) * 5,
        expected=expected,
        expected_error=error,
        expected_sessions=TESTED,
    )


def lines() -> Iterator[str]:
    """Yield the rows of the table."""
    for names, deviation in DEVIATIONS.items():
        for size in SIZES:
            random = np.random.default_rng([SEED, names, round(1000 * size)])
            found = np.array([until_found(random, size, deviation) for _ in range(CHAMPIONS)])
            shares = [
                " · ".join(f"{np.mean(column <= latest):.0%}" for latest in LATEST) for column in found.T
            ]
            least = " · ".join(str(least_sessions(size, deviation, power)) for power in (0.5, 0.9))
            yield f"| {names} | {size} | {least} | {shares[0]} | {shares[1]} |"


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
