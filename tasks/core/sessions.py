"""The sessions of the exchange: holidays, half-days and daylight saving come from exchange_calendars.

Never reads the clock: it receives a date or an instant.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import ConfigError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

EXCHANGE = "XNYS"
EXCHANGE_TIME_ZONE = "America/New_York"
FIRST_DAY, LAST_DAY = date(1990, 1, 2), date(2035, 12, 31)  # the library's default window is −20 … +1 years
REGULAR_HOURS = timedelta(hours=6, minutes=30)

Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Session:
    """One calendar day of the exchange. On a closed day both times are None."""

    day: date
    opens_at: datetime | None
    closes_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closes_at is not None

    @property
    def is_half_day(self) -> bool:
        return (
            self.opens_at is not None
            and self.closes_at is not None
            and self.closes_at - self.opens_at < REGULAR_HOURS
        )

    def __str__(self) -> str:
        return self.day.isoformat()


def day_named(name: str) -> date | None:
    """Return the day that a file, a directory or a command names as YYYY-MM-DD; None for any other text."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None  # fromisoformat accepts 20240614 and 2024-W24-5 too


@cache
def session_on(day: date) -> Session:
    """Return the calendar day at the exchange, open or closed. Raises ConfigError outside the calendar."""
    _refuse_out_of_bounds(day)
    calendar = _calendar()
    label = day.isoformat()
    if not calendar.is_session(label):
        return Session(day, None, None)
    return Session(
        day,
        calendar.session_open(label).to_pydatetime().astimezone(UTC),
        calendar.session_close(label).to_pydatetime().astimezone(UTC),
    )


def last_closed_session(at: datetime) -> Session:
    """Return the latest session whose close is not after the instant. Raises ConfigError outside the calendar."""
    _refuse_out_of_bounds((at.astimezone(UTC) - timedelta(days=1)).date())
    closed = int(_calendar().closes.searchsorted(at.astimezone(UTC), side="right"))
    last: date = _days()[closed - 1].item()
    return session_on(last)


def session_after(day: date) -> date:
    """Return the first session after this day."""
    _refuse_out_of_bounds(day)
    following: date = (
        _calendar().date_to_session((day + timedelta(days=1)).isoformat(), direction="next").date()
    )
    return following


def sessions_between(first: date, last: date) -> Days:
    """Return the sessions from `first` to `last`, both included, as datetime64[D]. May be empty."""
    _refuse_out_of_bounds(first)
    _refuse_out_of_bounds(last)
    days = _days()
    return days[
        days.searchsorted(np.datetime64(first)) : days.searchsorted(np.datetime64(last), "right")
    ].copy()


def sessions_ending(last: date, count: int) -> Days:
    """Return `count` sessions as datetime64[D], or all since FIRST_DAY; the last is on or before `last`."""
    _refuse_out_of_bounds(last)
    calendar = _calendar()
    label = calendar.date_to_session(last.isoformat(), direction="previous")
    known = int(calendar.sessions.searchsorted(label)) + 1
    days: Days = calendar.sessions_window(label, -min(count, known)).to_numpy()
    return days.astype("datetime64[D]")


def session_number(day: date) -> int:
    """Return the number of sessions before this one since the start of the calendar: the same on every later day."""
    return len(sessions_between(FIRST_DAY, day)) - 1


def _refuse_out_of_bounds(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ConfigError(
            f"{day} is outside the exchange calendar ({FIRST_DAY} to {LAST_DAY}).",
            remedy="Choose a date in that range.",
            date=day.isoformat(),
        )


@cache
def _calendar() -> "ExchangeCalendar":
    import exchange_calendars

    return exchange_calendars.get_calendar(EXCHANGE, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())


@cache
def _days() -> Days:
    days: Days = _calendar().sessions.to_numpy().astype("datetime64[D]")
    return days


def exchange_date(at: datetime) -> date:
    """Return the calendar day at the exchange."""
    return at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).date()


def exchange_minute(at: datetime) -> str:
    """Write an instant for a person: Mon 2024-06-17 09:30 New York time."""
    return f"{at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)):%a %Y-%m-%d %H:%M} New York time"
