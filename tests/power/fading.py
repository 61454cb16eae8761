"""How soon a champion that has lost its skill is detected: by the daily alerts, its live record, and any test at all.

`python -m tests.power.fading` simulates the neutral ICs of published days alone: normal, over five sessions, so that
each shares four fifths with the next one's. The alerts are those of a champion with a year of live record, which is
as skilled as it was expected to be until it loses all or half of its skill. docs/monitoring.md has the figures.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.models.schema import Champion
from tasks.monitoring.realised_skill import WINDOWS
from tasks.monitoring.schema import LEAST_TESTED
from tasks.selection.live_verdict import live_verdict
from tasks.selection.schema import LiveDay
from tests.builders import make_settings
from tests.champions import FRIDAY, STATISTIC

SETTINGS = make_settings()
LIMITS = SETTINGS.monitoring
CHAMPION = Champion(
    "lightgbm", "lightgbm", "hrp", "", "", FRIDAY, FRIDAY, "", 0.5, {}, ranks=True, statistic=STATISTIC
)
HORIZON, TESTED, LIVE, EVERY = 5, 504, 504, 5  # sessions; the record is looked at every fifth
RECORD, FOLLOWED, QUARTER = 252, 2_520, 63  # sessions before and after the loss
DEVIATIONS = {100: 0.158, 500: 0.070}  # of a session's neutral IC, by the number of names
SIZES, LATEST = (0.02, 0.04, 0.08, 0.16), (126, 252, 504)
CHAMPIONS, ALERTED_CHAMPIONS, SEED = 400, 2_000, 16
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


def expected_of(random: np.random.Generator, size: float, error: float) -> float:
    """Return what a selection measured of a true IC: with an error, and with a t of at least 2."""
    return next(found for found in iter(lambda: random.normal(size, error), None) if found >= 2 * error)


def has_skill_alert(ics: NDArray[np.float64], expected: float, error: float) -> NDArray[np.bool_]:
    """Return by session whether it has an alert on the IC, as `skill_alerts` finds it in the windows that end there."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(each)]) for each in (ics, ics**2))
    found = np.zeros(len(ics), dtype=bool)
    for count in WINDOWS:
        if count >= LEAST_TESTED:
            means = (sums[count:] - sums[:-count]) / count
            drop = expected - means
            variances = (squares[count:] - squares[:-count] - means**2 * count) / (count - 1)
            deviation = np.maximum(error * sqrt(TESTED), np.sqrt(variances * HORIZON))
            limit = LIMITS.min_ic_drop_z * deviation * sqrt(1 / count + 1 / TESTED)
            found[count - 1 :] |= (drop > LIMITS.max_ic_drop) & (drop > limit)
    return found


def alerts_on(random: np.random.Generator, size: float, deviation: float) -> tuple[float, int, int]:
    """Return the share of quarters with an alert before a loss, and the session until which each loss is found.

    The losses are all of the skill, and half of it.
    """
    error = deviation * sqrt(HORIZON / TESTED)
    steps = random.normal(0, deviation / sqrt(HORIZON), RECORD + FOLLOWED + HORIZON - 1)
    noise = np.convolve(steps, np.ones(HORIZON), mode="valid")
    expected = expected_of(random, size, error)
    quiet = has_skill_alert(noise + size, expected, error)[RECORD:].reshape(-1, QUARTER).any(axis=1)
    until = []
    for left in (0.0, size / 2):
        lost = np.where(np.arange(len(noise)) < RECORD, size, left)
        found = has_skill_alert(noise + lost, expected, error)[RECORD:]
        until.append(int(found.argmax()) + 1 if found.any() else NEVER)
    return float(quiet.mean()), until[0], until[1]


def until_lost(random: np.random.Generator, size: float, deviation: float) -> int:
    """Return the session of the week in which a champion loses its place that had this IC, and has none now."""
    error = deviation * sqrt(HORIZON / TESTED)
    expected = expected_of(random, size, error)
    ics = ics_of(random, 0.0, deviation).tolist()
    record = [
        LiveDay(FRIDAY + timedelta(days=place), "lightgbm", ic, expected, error, TESTED)
        for place, ic in enumerate(ics)
    ]
    loss = (look for look in range(EVERY, LIVE + 1, EVERY) if _is_lost(record[:look]))
    return next(loss, NEVER)


def _is_lost(record: list[LiveDay]) -> bool:
    verdict = live_verdict(record, CHAMPION, SETTINGS.selection)
    return verdict is not None and not verdict.earns_its_place


def alert_line(names: int, size: float) -> str:
    """Return the cells on alerts: quiet quarters, shares found, and sessions until 90% are, of all and of half."""
    random = np.random.default_rng([SEED, names, round(1000 * size), 1])
    quiet, *until = np.array([alerts_on(random, size, DEVIATIONS[names]) for _ in range(ALERTED_CHAMPIONS)]).T
    shares = " · ".join(f"{np.mean(until[0] <= latest):.0%}" for latest in LATEST)
    most = [int(np.quantile(found, 0.9, method="higher")) for found in until]
    whole, half = (f"over {FOLLOWED:,}" if each > FOLLOWED else f"{each:,}" for each in most)
    return f"{quiet.mean():.1%} | {shares} | {whole} | {half}"


def loss_line(names: int, size: float) -> str:
    """Return the shares of champions that have lost their place."""
    random = np.random.default_rng([SEED, names, round(1000 * size)])
    found = np.array([until_lost(random, size, DEVIATIONS[names]) for _ in range(CHAMPIONS)])
    return " · ".join(f"{np.mean(found <= latest):.0%}" for latest in LATEST)


def lines() -> Iterator[str]:
    """Yield the rows of the table."""
    for names, deviation in DEVIATIONS.items():
        for size in SIZES:
            least = " · ".join(str(least_sessions(size, deviation, power)) for power in (0.5, 0.9))
            yield f"| {names} | {size} | {least} | {alert_line(names, size)} | {loss_line(names, size)} |"


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
