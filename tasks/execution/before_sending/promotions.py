"""How many sessions ago a different champion was promoted. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from tasks.core.sessions import sessions_between

NEVER = 1_000_000  # sessions: no other champion was in production before


class Promoted(NamedTuple):
    """A stored version of a champion."""

    name: str
    optimizer: str
    selected_on: date


def sessions_since_promotion(versions: Sequence[Promoted], production: Promoted, day: date) -> int:
    """Return the sessions from the day on which the champion in production replaced another one, to `day`.

    `versions`: the stored ones, oldest first. A champion that was only trained again is the same champion. NEVER if
    every version is the same: then no other champion was in production as far back as versions are kept.
    """
    since = production.selected_on
    earlier = [one for one in versions if one.selected_on < production.selected_on]
    for one in reversed(earlier):
        if (one.name, one.optimizer) != (production.name, production.optimizer):
            return max(len(sessions_between(since, day)) - 1, 0)
        since = one.selected_on
    return NEVER
