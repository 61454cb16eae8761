import pytest

from tasks.safety.outcome import is_near_limit, used_of_limit
from tasks.safety.schema import Check


@pytest.mark.parametrize(
    ("value", "limit", "used"),
    [
        ("9.99%", "≤ 10.00%", 0.999),
        ("large 70.00%", "≤ 70.00%", 1.0),
        ("48", "≤ 50", 0.96),
        ("0.20%", "≤ 0.50%", 0.4),
        ("1", "≤ 1", 1.0),
        ("1,200", "≤ 2,400", 0.5),
        ("5", "≤ 10.00%", None),  # two kinds of figure
        ("5%", "none", None),
        ("0.00%", "≤ 0.00%", None),
        ("0 found", "whole cents", None),
        ("0 sessions old", "≤ 0", None),
        ("9%", "≤ 10 × 5.00% of a session", None),
        ("$87,965.73 left", "≥ 0", None),
    ],
)
def test_the_used_share_is_that_of_an_upper_limit_in_the_unit_of_the_value(value, limit, used):
    assert used_of_limit(value, limit) == pytest.approx(used)


@pytest.mark.parametrize(
    ("value", "passed", "near"),
    [("13.50%", True, True), ("13.49%", True, False), ("14.79%", False, False), ("unknown", True, False)],
)
def test_a_passed_check_is_near_its_limit_from_nine_tenths_on(value, passed, near):
    assert is_near_limit(Check("a", passed, value, "≤ 15.00%", detail="")) is near
