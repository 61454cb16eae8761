"""A planted fault raises the right alert, and a quiet market none: on one market each, with a champion trained on it.

`python -m tests.power.alerts` measures more of them; docs/monitoring.md has the figures.
"""

import pytest

from tests.power.alerts import FAULTS, FAULTY, QUIET_QUARTERS, quiet_quarters, sessions_until

pytestmark = pytest.mark.prove

AT_ONCE = {
    "volumes in thousands",
    "half of the bars repeated",
    "no fundamentals",
    "a quarter of the names gone",
}
WITHIN = {
    "moves three times as large": 21,
    "fundamentals in thousands": 21,
    "scores without skill": 126,
}  # sessions


def test_faults_of_the_data_are_alerts_on_the_same_day_and_others_within_the_stated_sessions():
    found = sessions_until(FAULTY[1])

    assert found.keys() == FAULTS.keys() == AT_ONCE | WITHIN.keys()
    assert {name for name, session in found.items() if session == 1} == AT_ONCE
    late = {name for name, most in WITHIN.items() if found[name] is None or found[name] > most}
    assert not late, found


def test_a_quiet_market_has_no_alert():
    """The market on which the threshold of a single feature was set: docs/monitoring.md has the rate."""
    assert quiet_quarters(601) == [[]] * QUIET_QUARTERS
