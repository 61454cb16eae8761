"""A planted fault raises the right alert, and a quiet market none: on one market each, with a champion trained on it.

`python -m tests.power.alerts` measures more of them; docs/monitoring.md has the figures.
"""

import pytest

from tests.power.alerts import FAULTS, quiet_quarters, sessions_until

pytestmark = pytest.mark.prove

AT_ONCE = {
    "volumes in thousands",
    "half of the bars repeated",
    "no fundamentals",
    "a quarter of the names gone",
}


def test_faults_of_the_data_are_alerts_on_the_same_day_and_others_within_half_a_year():
    found = sessions_until(101)

    assert found.keys() == FAULTS.keys()
    assert {name for name, session in found.items() if session == 1} == AT_ONCE
    assert all(session is not None and session <= 126 for session in found.values()), found


def test_a_quiet_market_has_no_alert():
    assert quiet_quarters(1) == [[], [], [], []]
