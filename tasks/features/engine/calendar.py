"""Inputs from the calendar, the same for every symbol."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Days

OfSession = NDArray[np.float64]


def day_of_week(sessions: Days) -> OfSession:
    """Return 0 for Monday to 4 for Friday."""
    since_monday = sessions.astype("datetime64[D]").astype(np.int64) + 3  # 1970-01-01 was a Thursday
    weekday: OfSession = (since_monday % 7).astype(np.float64)
    return weekday


def month(sessions: Days) -> OfSession:
    """Return 1 for January to 12 for December."""
    of_year: OfSession = (_months(sessions) % 12).astype(np.float64) + 1
    return of_year


def days_to_month_end(sessions: Days) -> OfSession:
    """Return the number of calendar days to the end of the month."""
    return _days_to(sessions, _months(sessions) + 1)


def days_to_quarter_end(sessions: Days) -> OfSession:
    """Return the number of calendar days to the end of the quarter (window dressing of funds)."""
    return _days_to(sessions, _months(sessions) // 3 * 3 + 3)


def turn_of_month(sessions: Days) -> OfSession:
    """Return 1 on the last weekday of a month and the first three (turn of the month), else 0."""
    day = sessions.astype("datetime64[D]")
    months = _months(sessions)
    so_far = np.busday_count(_first_day(months), day + 1)
    left = np.busday_count(day + 1, _first_day(months + 1))
    return np.where((so_far <= 3) | (left == 0), 1.0, 0.0)


def _months(sessions: Days) -> NDArray[np.int64]:
    """Return whole months since January 1970."""
    return sessions.astype("datetime64[M]").astype(np.int64)


def _first_day(months: NDArray[np.int64]) -> Days:
    return months.astype("datetime64[M]").astype("datetime64[D]")


def _days_to(sessions: Days, months: NDArray[np.int64]) -> OfSession:
    left: OfSession = (_first_day(months) - sessions.astype("datetime64[D]")).astype(np.float64) - 1
    return left


CALENDAR: Mapping[str, Callable[[Days], OfSession]] = {
    function.__name__: function
    for function in (day_of_week, month, days_to_month_end, days_to_quarter_end, turn_of_month)
}
