"""Consecutive weekly looks at one market, taken on stored scores: does any of them confirm a candidate?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.models.training.inference import estimate
from tasks.models.training.metrics import Vector
from tasks.selection.choice import PromotionLimits, select_candidate
from tasks.selection.schema import CandidateResult
from tasks.selection.statistics.sequential import look_threshold

WEEKS, WEEK = 26, 5
SELECTING = 3  # the first third of the sessions selects, as `split_folds` does


def confirmed_weeks(
    results: Sequence[CandidateResult],
    ics: Mapping[str, Vector],
    limits: PromotionLimits,
    *,
    overlap: int,
    level: float,
) -> list[int]:
    """Return the weeks, from 0, in which the selection by t would confirm a candidate that is newly found.

    `ics`: the neutral ICs of every tested session, by candidate. Each look reads all of them but those of 25 weeks, so
    that it moves forward by a week; nothing is retrained in between. A single feature must reach the threshold on the
    selecting sessions too. The deflated Sharpe ratio, which could only refuse more, is not applied.
    """
    length = min(map(len, ics.values())) - WEEK * (WEEKS - 1)
    middle = length // SELECTING
    found = []
    for week in range(WEEKS):
        begin = WEEK * week
        seen = [
            replace(
                each,
                choice=each.choice | _skill(ics[each.name][begin : begin + middle], overlap),
                confirmation=each.confirmation
                | _skill(ics[each.name][begin + middle : begin + length], overlap),
            )
            for each in results
            if each.name in ics
        ]
        least = limits.min_t_statistic
        wanted = look_threshold(begin, window=length - middle, level=level, least=least)
        if select_candidate(seen, replace(limits, min_t_statistic=wanted)).result is not None:
            found.append(week)
    return found


def _skill(ics: Vector, overlap: int) -> dict[str, float]:
    found = estimate(ics, overlap=overlap)
    return {
        "neutral_ic": found.mean,
        "neutral_ic_se": found.error,
        "neutral_ic_t": found.t,
        "sessions": len(ics),
    }
