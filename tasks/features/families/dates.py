"""Calendar features, the same for every symbol."""

from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

feature = Family("calendar")


def as_it_is(of_session: Series) -> Series:
    """Return the input."""
    return of_session


FEATURES = tuple(
    feature(name, as_it_is, 1, description, "none", inputs=(name,))
    for name, description in (
        ("day_of_week", "0 Monday … 4 Friday"),
        ("month", "1 January … 12 December"),
        ("days_to_month_end", "calendar days left in the month"),
        ("days_to_quarter_end", "calendar days left in the quarter"),
        ("turn_of_month", "1 on a month's last weekday and its first three, else 0"),
    )
)
