"""What the calendar alone says, the same for every symbol."""

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Days, Matrix
from tasks.features.families.declaration import Family

feature = Family("calendar")


def day_of_week(session: Days) -> Matrix:
    """Return 0 for Monday to 4 for Friday."""
    since_monday = session.astype("datetime64[D]").astype(np.int64) + 3  # 1970-01-01 was a Thursday
    weekday: Matrix = (since_monday % 7).astype(np.float64)
    return weekday


def month(session: Days) -> Matrix:
    """Return 1 for January to 12 for December."""
    of_year: Matrix = (_months(session) % 12).astype(np.float64) + 1
    return of_year


def days_to_month_end(session: Days) -> Matrix:
    """Return how many calendar days of the month are left."""
    return _days_to(session, _months(session) + 1)


def days_to_quarter_end(session: Days) -> Matrix:
    """Return how many calendar days of the quarter are left: funds dress their windows towards its end."""
    return _days_to(session, _months(session) // 3 * 3 + 3)


def turn_of_month(session: Days) -> Matrix:
    """Return 1 on a month's last weekday and its first three, when wages and pensions are invested; else 0."""
    day = session.astype("datetime64[D]")
    months = _months(session)
    so_far = np.busday_count(_first_day(months), day + 1)
    left = np.busday_count(day + 1, _first_day(months + 1))
    return np.where((so_far <= 3) | (left == 0), 1.0, 0.0)


def _months(session: Days) -> NDArray[np.int64]:
    """Return whole months since January 1970."""
    return session.astype("datetime64[M]").astype(np.int64)


def _first_day(months: NDArray[np.int64]) -> Days:
    return months.astype("datetime64[M]").astype("datetime64[D]")


def _days_to(session: Days, months: NDArray[np.int64]) -> Matrix:
    left: Matrix = (_first_day(months) - session.astype("datetime64[D]")).astype(np.float64) - 1
    return left


FEATURES = (
    feature("day_of_week", day_of_week, 1, "0 Monday … 4 Friday", "none"),
    feature("month", month, 1, "1 January … 12 December", "none"),
    feature("days_to_month_end", days_to_month_end, 1, "calendar days left in the month", "none"),
    feature("days_to_quarter_end", days_to_quarter_end, 1, "calendar days left in the quarter", "none"),
    feature(
        "turn_of_month", turn_of_month, 1, "1 on a month's last weekday and its first three, else 0", "none"
    ),
)
