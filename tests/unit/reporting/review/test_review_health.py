"""Whether the day may be approved, from the checks of the day."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.reporting.review.health import Check, exchange_time, time_left

AT = datetime(2024, 6, 14, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "limit", "is_near"),
    [
        ("14.79%", "≤ 15.00%", True),
        ("Financials 25.33%", "≤ 30.00%", False),
        ("large 70.00%", "≤ 70.00%", True),
        ("48", "≤ 50", True),
        ("0.01%", "≤ 0.50%", False),
        ("0 found", "whole cents", False),
        ("0 sessions old", "≤ 0", False),
        ("11.8", "≤ 40%", False),  # two kinds of figure
        ("87,965.73 USD left", "≥ 0", False),
    ],
)
def test_a_check_is_near_its_limit_from_nine_tenths_on(value, limit, is_near):
    assert Check("a", value, limit, passed=True, detail="").is_near == is_near


def test_a_failed_check_is_not_near():
    assert not Check("a", "14.79%", "≤ 15.00%", passed=False, detail="").is_near


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=2, hours=15, minutes=30), "2 d 15 h"),
        (timedelta(hours=15, minutes=5), "15 h 05 min"),
        (timedelta(minutes=12, seconds=59), "12 min"),
        (timedelta(0), "expired"),
        (timedelta(seconds=-1), "expired"),
    ],
)
def test_the_time_that_is_left(left, words):
    assert time_left(AT + left, AT) == words


def test_an_instant_is_written_in_the_time_of_the_exchange():
    assert exchange_time(datetime(2024, 6, 17, 13, 30, tzinfo=UTC)) == "Mon 17 June, 09:30 New York time"
