from datetime import UTC, date, datetime

import pytest

from tasks.core.errors import ConfigError
from tasks.core.sessions import (
    day_named,
    last_closed_session,
    session_after,
    session_on,
    sessions_between,
    sessions_ending,
)

THURSDAY_BEFORE_INDEPENDENCE_DAY = date(2024, 7, 3)


@pytest.mark.parametrize("closed", [date(2024, 7, 4), date(2024, 7, 6), date(2025, 1, 9), date(2012, 10, 29)])
def test_fault_015_holidays_weekends_and_days_of_mourning_are_closed(closed):
    session = session_on(closed)

    assert not session.is_open
    assert session.closes_at is None


def test_fault_016_a_half_day_closes_at_one_in_new_york():
    session = session_on(THURSDAY_BEFORE_INDEPENDENCE_DAY)

    assert session.is_half_day
    assert session.closes_at == datetime(2024, 7, 3, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "close_hour_utc"),
    [(date(2024, 3, 8), 21), (date(2024, 3, 11), 20), (date(2024, 11, 1), 20), (date(2024, 11, 4), 21)],
)
def test_fault_017_the_close_moves_with_daylight_saving_both_ways(day, close_hour_utc):
    assert session_on(day).closes_at == datetime(day.year, day.month, day.day, close_hour_utc, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2024, 7, 3, 16, 59, 59, tzinfo=UTC), date(2024, 7, 2)),
        (datetime(2024, 7, 3, 17, 0, tzinfo=UTC), date(2024, 7, 3)),
        (datetime(2024, 7, 3, 17, 0, 30, tzinfo=UTC), date(2024, 7, 3)),
        (datetime(2024, 7, 4, 23, 0, tzinfo=UTC), date(2024, 7, 3)),
        (datetime(2024, 7, 7, 12, 0, tzinfo=UTC), date(2024, 7, 5)),
    ],
)
def test_the_last_closed_session_is_the_one_whose_close_has_passed(at, expected):
    assert last_closed_session(at).day == expected


def test_a_window_of_sessions_ends_on_or_before_the_day():
    days = sessions_ending(date(2024, 7, 7), 3)

    assert [str(day) for day in days] == ["2024-07-02", "2024-07-03", "2024-07-05"]


def test_more_sessions_than_the_calendar_has_are_all_of_them():
    assert len(sessions_ending(date(1990, 1, 5), 10**18)) == 4


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2024, 6, 13), date(2024, 6, 14)),
        (date(2024, 6, 14), date(2024, 6, 17)),
        (date(2024, 6, 15), date(2024, 6, 17)),
        (date(2024, 7, 3), date(2024, 7, 5)),
    ],
)
def test_the_session_after_a_day_leaves_out_weekends_and_holidays(day, following):
    assert session_after(day) == following
    assert type(session_after(day)) is date


def test_no_session_lies_between_two_days_of_a_weekend():
    assert sessions_between(date(2024, 7, 6), date(2024, 7, 7)).size == 0


def test_a_date_beyond_the_calendar_is_refused_with_its_bounds():
    with pytest.raises(ConfigError, match="2035-12-31"):
        session_on(date(2040, 1, 2))


@pytest.mark.parametrize("at", [datetime(1990, 1, 2, 12, tzinfo=UTC), datetime(2036, 1, 2, tzinfo=UTC)])
def test_an_instant_outside_the_calendar_is_refused(at):
    with pytest.raises(ConfigError):
        last_closed_session(at)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-06-14", date(2024, 6, 14)),
        ("20240614", None),
        ("2024-W24-5", None),
        ("2024-06-14 (copy)", None),
        ("2024-06-31", None),
        ("٢٠٢٤-06-14", None),
        ("", None),
    ],
)
def test_only_a_date_in_its_one_form_names_a_day(name, day):
    assert day_named(name) == day
