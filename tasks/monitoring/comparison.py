"""Compare the challenger's realized skill with the champion's, on the sessions that both have scored. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.models.training.inference import estimate
from tasks.monitoring.schema import Realised

LEAST_SESSIONS = 20


@dataclass(frozen=True)
class Comparison:
    """Mean neutral ICs on the same sessions, and their difference (challenger less champion) with its 95% interval.

    `low` and `high` are None where there is no interval: of one session, or of differences that are all equal.
    """

    challenger: str
    champion: str
    sessions: int
    first: date
    last: date
    challenger_ic: float
    champion_ic: float
    difference: float
    low: float | None
    high: float | None

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.low is None or self.high is None:
            return "no 95% CI"
        return f"95% CI {self.low:+.4f} to {self.high:+.4f}"

    @property
    def verdict(self) -> str:
        """What the interval says. It is valid for one look, not for many."""
        if self.sessions < LEAST_SESSIONS:
            return f"too few sessions to tell: {LEAST_SESSIONS} are needed"
        if self.low is None or self.high is None:
            return "the differences do not vary: there is no interval"
        if self.low > 0:
            return "the challenger is better"
        return "the champion is better" if self.high < 0 else "no difference beyond noise"


def compare_in_shadow(
    challenger: Mapping[date, Realised], champion: Mapping[date, Realised]
) -> Comparison | None:
    """Return the comparison of the last challenger; None without a session that both have scored.

    The interval allows for overlapping returns. Sessions of earlier challengers, and sessions that the challenger's own
    model scored as champion, do not count.
    """
    if not challenger:
        return None
    latest = challenger[max(challenger)]
    both = sorted(
        day
        for day, one in challenger.items()
        if one.model_sha256 == latest.model_sha256
        and day in champion
        and champion[day].model_sha256 != one.model_sha256
    )
    if not both:
        return None
    theirs = np.array([challenger[day].neutral_ic for day in both])
    ours = np.array([champion[day].neutral_ic for day in both])
    found = estimate(theirs - ours, overlap=latest.horizon_sessions)
    return Comparison(
        challenger=latest.model,
        champion=champion[both[-1]].model,
        sessions=len(both),
        first=both[0],
        last=both[-1],
        challenger_ic=float(theirs.mean()),
        champion_ic=float(ours.mean()),
        difference=found.mean,
        low=found.low if found.error else None,
        high=found.high if found.error else None,
    )
