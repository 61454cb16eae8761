"""Whether the champion still earns its place, by the scores of published days and the returns that followed. Pure.

The true mean of its live neutral ICs is inside a confidence sequence at every session at once, so that a weekly look
does not raise the rate of false alarms. The champion loses its place when even the upper bound is below the expected
IC: the shrunken IC of its selection, less the standard error of that IC.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from config.selection_section import Selection
from tasks.core.text import counted
from tasks.models.schema import Champion
from tasks.models.skill import shrunken
from tasks.models.training.inference import estimate
from tasks.selection.schema import LiveDay, LiveVerdict
from tasks.selection.statement import signed
from tasks.selection.statistics.sequential import confidence_radius

LEAST_SESSIONS = 20
SCALE = (
    21**-0.5
)  # narrowest after about a month, where a champion that has turned against its user must be found


def live_verdict(
    days: Sequence[LiveDay], champion: Champion | None, settings: Selection
) -> LiveVerdict | None:
    """Return the verdict on a champion; None with fewer than LEAST_SESSIONS of its own, or if it never loses its place.

    Counted are the last days, as long as they were scored by a candidate of its name; a retrained one continues the
    record, each day against the expected IC of its own time.
    """
    level = settings.max_false_losses
    own = _tenure(days, champion.name) if champion and champion.ranks else []
    if champion is None or champion.statistic is None or not level or len(own) < LEAST_SESSIONS:
        return None
    ics = np.array([each.neutral_ic for each in own])
    expected = float(np.mean([_expected_lower_bound(each) for each in own]))
    live = estimate(ics, overlap=champion.statistic.horizon_sessions)
    # of the long run, in which overlapping returns count; the live ICs may vary more than those of the selection
    deviation = max(
        live.error * sqrt(len(own)), *(each.expected_error * sqrt(each.expected_sessions) for each in own)
    )
    # twice the level: only one of the two sides matters
    radius = confidence_radius(len(own), deviation=deviation, level=min(2 * level, 1.0), scale=SCALE)
    return LiveVerdict(champion.name, len(own), live.mean, live.mean + radius, expected)


def stated_verdict(found: LiveVerdict) -> str:
    """Return the figures of a verdict."""
    return (
        f"live neutral IC {signed(found.mean)} in {counted(found.sessions, 'session')}, at most {signed(found.upper)};"
        f" {signed(found.expected)} was expected"
    )


def live_section(found: LiveVerdict | None) -> list[str]:
    """Return the section of the report, as lines of Markdown; empty without a verdict."""
    if found is None:
        return []
    outcome = "It earns its place." if found.earns_its_place else "**It no longer earns its place.**"
    return [
        "## Live record of the champion",
        "",
        f"{found.model}: {stated_verdict(found)}. {outcome}",
        "",
    ]


def _tenure(days: Sequence[LiveDay], model: str) -> list[LiveDay]:
    """Return the days since another model scored one, oldest first."""
    own: list[LiveDay] = []
    for each in sorted(days, key=lambda day: day.session, reverse=True):
        if each.model != model:
            break
        own.append(each)
    return own[::-1]


def _expected_lower_bound(day: LiveDay) -> float:
    t = day.expected / day.expected_error if day.expected_error else 0.0
    return shrunken(day.expected, t) - day.expected_error
