from datetime import date

import pandas as pd

from tasks.data.panel.coverage import Coverage, coverage_on
from tasks.data.providers.frames import typed

DAY = date(2005, 12, 30)
MEMBERS = typed(
    "members",
    pd.DataFrame(
        [
            ("A", date(2000, 1, 3), None),
            ("HRS", date(2000, 1, 3), date(2019, 7, 1)),
            ("GONE", date(2000, 1, 3), date(2006, 1, 3)),
            ("LEFT", date(2000, 1, 3), DAY),
            ("LATER", date(2006, 1, 3), None),
        ],
        columns=["symbol", "start", "end"],
    ),
)
RENAMES = typed(
    "renames", pd.DataFrame([("HRS", "LHX", date(2019, 7, 1))], columns=["old", "new", "session"])
)


def test_members_of_the_day_are_counted_and_found_under_the_symbol_that_has_their_prices():
    assert coverage_on(DAY, {"A", "LHX", "LEFT", "LATER"}, MEMBERS, RENAMES) == [Coverage(DAY, 3, 2)]
    assert coverage_on(DAY, {"A", "LHX"}, MEMBERS, RENAMES[:0]) == [Coverage(DAY, 3, 1)]


def test_without_members_on_the_day_nothing_is_counted():
    assert coverage_on(date(1999, 1, 4), {"A"}, MEMBERS, RENAMES) == []
    assert coverage_on(DAY, {"A"}, MEMBERS[:0], RENAMES) == []
