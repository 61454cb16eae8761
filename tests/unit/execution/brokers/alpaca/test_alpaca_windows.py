"""When Alpaca takes orders: auctions, days, half-days, daylight saving, weekends."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.brokers.alpaca.windows import is_preliminary, takes_from
from tests.execution_alpaca import make_account, make_order
from tests.servers.alpaca_account import NEW_YORK, Refusal, instant

THURSDAY, FRIDAY, SATURDAY = date(2024, 6, 13), date(2024, 6, 14), date(2024, 6, 15)
HALF_DAY = date(2024, 7, 3)  # closes at 13:00; the exchange is closed on the 4th
ALL = ("market", "limit", "at_open", "at_close")


def order_for(timing, session=THURSDAY):
    return make_order(timing=timing, session=session, limit="50" if timing == "limit" else None)


@pytest.mark.parametrize("timing", ALL)
@pytest.mark.parametrize("clock", ["16:05", "17:00", "18:59"])
def test_what_is_approved_in_the_evening_waits_until_half_past_seven(timing, clock):
    assert takes_from(order_for(timing), instant(THURSDAY, clock)) == instant(THURSDAY, "19:30")


@pytest.mark.parametrize("timing", ALL)
@pytest.mark.parametrize(
    "at", [instant(THURSDAY, "19:30"), instant(THURSDAY, "23:59"), instant(FRIDAY, "09:27")]
)
def test_what_comes_in_the_night_is_taken_at_once(timing, at):
    assert takes_from(order_for(timing), at) == at


@pytest.mark.parametrize("timing", ALL)
def test_no_order_joins_the_session_of_its_own_decision(timing):
    assert takes_from(order_for(timing), instant(THURSDAY, "08:00")) == instant(THURSDAY, "19:30")


@pytest.mark.parametrize(
    ("timing", "last", "first_refused"),
    [("at_open", "09:27", "09:28"), ("at_close", "15:49", "15:50"), ("market", "15:59", "16:00")],
)
def test_what_comes_too_late_waits_for_the_evening(timing, last, first_refused):
    assert takes_from(order_for(timing), instant(FRIDAY, last)) == instant(FRIDAY, last)
    assert takes_from(order_for(timing), instant(FRIDAY, first_refused)) == instant(FRIDAY, "19:30")


@pytest.mark.parametrize(
    ("timing", "last", "first_refused"), [("at_close", "12:49", "12:50"), ("market", "12:59", "13:00")]
)
def test_on_a_half_day_the_close_is_earlier(timing, last, first_refused):
    order = order_for(timing, date(2024, 7, 2))

    assert takes_from(order, instant(HALF_DAY, last)) == instant(HALF_DAY, last)
    assert takes_from(order, instant(HALF_DAY, first_refused)) == instant(HALF_DAY, "19:30")


def test_on_a_closed_day_a_day_order_is_taken_and_one_for_an_auction_waits():
    order, noon = order_for("market", FRIDAY), instant(SATURDAY, "12:00")

    assert takes_from(order, noon) == noon
    assert takes_from(order_for("at_open", FRIDAY), noon) == instant(SATURDAY, "19:30")


@pytest.mark.parametrize(("day", "utc_hour"), [(date(2024, 3, 8), 0), (date(2024, 3, 11), 23)])
def test_the_evening_is_new_yorks_in_winter_and_in_summer(day, utc_hour):
    assert takes_from(order_for("at_open", day), instant(day, "17:00")).hour == utc_hour


@pytest.mark.parametrize(("at", "when"), [("02:20", "02:30"), ("18:45", "19:30"), ("23:29", "23:30")])
def test_nothing_is_sent_while_figures_are_preliminary(at, when):
    order = order_for("at_open", date(2024, 6, 12))
    assert takes_from(order, instant(THURSDAY, at)) == instant(THURSDAY, when)


@given(
    timing=st.sampled_from(ALL),
    minutes=st.integers(0, 7 * 24 * 60),
    refuses=st.booleans(),
    begin=st.sampled_from([date(2024, 3, 7), date(2024, 6, 13), date(2024, 7, 2), date(2024, 10, 31)]),
)
def test_the_broker_takes_it_then_and_never_in_its_own_session(timing, minutes, refuses, begin):
    order = order_for(timing, begin)
    at = instant(begin, "00:00") + timedelta(minutes=minutes)

    when = takes_from(order, at)

    assert when >= at
    assert takes_from(order, when) == when
    assert not is_preliminary(when)
    account = make_account(when, refuses_day_orders_after_close=refuses)
    fields = {"symbol": "AAA", "qty": "1", "side": "buy", "type": "market"}
    tif = {"market": "day", "limit": "day", "at_open": "opg", "at_close": "cls"}[timing]
    try:
        placed = account.submit(fields | {"time_in_force": tif})
    except Refusal as refusal:
        pytest.fail(f"refused at {when.astimezone(NEW_YORK)}: {refusal}")
    assert placed.trades_at.astimezone(NEW_YORK).date() > begin


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("02:14", False),
        ("02:15", True),
        ("02:29", True),
        ("02:30", False),
        ("18:29", False),
        ("18:30", True),
        ("19:29", True),
        ("19:30", False),
        ("23:00", True),
        ("23:29", True),
        ("23:30", False),
        ("12:00", False),
    ],
)
@pytest.mark.parametrize("day", [date(2024, 1, 12), FRIDAY, SATURDAY])
def test_the_nightly_windows(clock, expected, day):
    assert is_preliminary(instant(day, clock)) is expected


def test_an_instant_in_another_time_zone_is_the_same_instant():
    at = instant(THURSDAY, "17:00")
    elsewhere = datetime.fromisoformat(at.isoformat()).astimezone(NEW_YORK)

    assert takes_from(order_for("market"), elsewhere) == takes_from(order_for("market"), at)
