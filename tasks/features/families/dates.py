"""What the calendar alone says, the same for every symbol."""

import numpy as np

from tasks.data.schema import Days, Matrix
from tasks.features.schema import Feature


def day_of_week(session: Days) -> Matrix:
    """Return 0 for Monday to 4 for Friday."""
    since_monday = session.astype("datetime64[D]").astype(np.int64) + 3  # 1970-01-01 was a Thursday
    weekday: Matrix = (since_monday % 7).astype(np.float64)
    return weekday


def days_to_month_end(session: Days) -> Matrix:
    """Return how many calendar days of the month are left."""
    day = session.astype("datetime64[D]")
    next_month = (day.astype("datetime64[M]") + 1).astype("datetime64[D]")
    left: Matrix = (next_month - day).astype(np.float64) - 1
    return left


FEATURES = (
    Feature("day_of_week", "calendar", day_of_week, ("session",), 1, "0 Monday … 4 Friday", transform="none"),
    Feature(
        "days_to_month_end",
        "calendar",
        days_to_month_end,
        ("session",),
        1,
        "calendar days left in the month",
        transform="none",
    ),
)
