"""What earlier weekly runs selected on their selection folds. Pure."""

from collections.abc import Sequence
from datetime import date

from tasks.selection.schema import SelectedWeek

WEEKS = 8


def earlier_weeks(selected: Sequence[SelectedWeek], session: date) -> tuple[SelectedWeek, ...]:
    """Return the last selections before the calendar week of the session, one for each week, newest first.

    `selected`: in the order in which they were recorded. Of a week's sessions the last one counts, and of a session
    that was run again, the last run.
    """
    this_week = session.isocalendar()[:2]
    by_week: dict[tuple[int, int], SelectedWeek] = {}
    for each in selected:
        week = each.session.isocalendar()[:2]
        if week < this_week and (week not in by_week or each.session >= by_week[week].session):
            by_week[week] = each
    return tuple(by_week[week] for week in sorted(by_week, reverse=True)[:WEEKS])
