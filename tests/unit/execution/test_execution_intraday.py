"""intraday-monitor: each rule, judged by pure functions, and the switch that it trips at a scripted broker."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import BrokerAccount, BrokerPosition, Quote, UnansweredError
from tasks.execution.monitoring.intraday_triggers import Close, Sight, breaches, new_breaches
from tasks.execution.monitoring.watching import watch
from tasks.safety.kill_switch.switch import read_switch, reset_switch
from tests.brokers.scripted import Behavior
from tests.builders import make_settings
from tests.execution_days import CLEAR, CLOSES, FILLS, MORNING, OPENS, SESSION, make_day

SETTINGS = make_settings(**{"safety.kill_daily_loss_frac": 0.03, "portfolio.max_position_frac": 0.2})
NOON = OPENS + timedelta(hours=3)


def account(equity_cents=1_000_000, **changes):
    made = BrokerAccount(
        "A1", "paper", 0, 0, equity_cents, only_closing=False, is_blocked=False, is_preliminary=False
    )
    return replace(made, **changes)


def sight(**changes):
    made = Sight(
        at=NOON,
        session=FILLS,
        is_open=True,
        account=account(),
        positions={},
        quotes={},
        receivable_cents=0,
        past_session=(),
        close=Close(SESSION, 10_000.0, 0.0),
    )
    return replace(made, **changes)


def causes(**changes):
    return [breach.cause for breach in breaches(sight(**changes), SETTINGS)]


def held(shares, price):
    position = {"AAA": BrokerPosition("AAA", Decimal(shares))}
    return {"positions": position, "quotes": {"AAA": Quote("AAA", Decimal(price), NOON)}}


def test_a_quiet_account_breaks_no_rule():
    assert causes(**held(10, 100)) == []


@pytest.mark.parametrize(("equity_cents", "expected"), [(970_001, []), (969_900, ["daily_loss"])])
def test_the_loss_since_the_last_close_is_limited(equity_cents, expected):
    assert causes(account=account(equity_cents)) == expected


def test_dividends_due_are_not_a_loss_and_flows_neither_gain_nor_loss():
    assert causes(account=account(960_000), receivable_cents=40_000) == []
    assert causes(account=account(500_000), close=Close(SESSION, 10_000.0, -5_000.0)) == []
    assert causes(account=account(1_400_000), close=Close(SESSION, 10_000.0, 5_000.0)) == ["daily_loss"]


def test_several_sessions_without_a_run_have_a_wider_limit():
    earlier = Close(date(2024, 6, 11), 10_000.0, 0.0)  # four sessions before
    assert causes(account=account(941_000), close=earlier) == []
    assert causes(account=account(939_000), close=earlier) == ["daily_loss"]


def test_a_home_that_has_not_run_a_session_has_no_loss():
    assert causes(account=account(1), close=None) == []


@pytest.mark.parametrize(
    ("shares", "expected"), [(30, []), (31, ["position_limit"]), (-1, ["position_limit"])]
)
def test_a_position_beyond_its_limit_and_drift_or_short_is_a_breach(shares, expected):
    assert causes(**held(shares, 100)) == expected


def test_silence_counts_only_while_the_exchange_is_open():
    assert causes(account=None) == ["connectivity"]
    assert causes(account=None, is_open=False) == []


def test_preliminary_books_and_a_closed_exchange_judge_no_equity():
    assert causes(account=account(1, is_preliminary=True)) == []
    assert causes(account=account(1), is_open=False) == []


def test_orders_past_their_session_are_a_breach_at_any_time():
    assert causes(past_session=("X",), is_open=False) == ["orders_past_session"]
    assert new_breaches(breaches(sight(past_session=("X",)), SETTINGS), CLEAR, FILLS) != ()


# At a scripted broker


class Silent:
    def __init__(self, answers_after):
        self.left = answers_after

    def __call__(self, broker):
        self.broker = broker
        return self

    def __getattr__(self, name):
        return getattr(self.broker, name)

    def account(self):
        self.left -= 1
        if self.left >= 0:
            raise UnansweredError("No answer.", remedy="Ask again.")
        return self.broker.account()


def watched(day, wrap=lambda broker: broker, settings=SETTINGS):
    broker = day.broker()
    try:
        return watch(
            day.home,
            settings,
            wrap(broker),
            clock=day.clock,
            sleep=lambda seconds: day.clock.wait_until(day.clock() + timedelta(seconds=seconds)),
        )
    finally:
        broker.close()


@pytest.fixture
def day(tmp_path):
    """An account of $3,000: 100 AAA at $10, 50 BBB at $20, and cash."""
    made = make_day(tmp_path, at=NOON)
    reset_switch(made.home, "Ann", "set up", MORNING)
    (made.home.performance_file).write_text(f"date,equity,exposure\n{SESSION},3000,0.6\n")
    return made


WIDE = make_settings(**{"safety.kill_daily_loss_frac": 0.03, "portfolio.max_position_frac": 0.5})


def test_a_quiet_look_trips_nothing_and_sends_nothing(day):
    assert watched(day, settings=WIDE) == ()
    assert not read_switch(day.home).is_on
    assert day.truth().requests == []


def test_a_loss_trips_the_switch_once_and_a_person_who_reset_it_is_not_overruled(day):
    day.prices["AAA"] = Decimal(8)

    for _ in range(2):
        assert [one.cause for one in watched(day, settings=WIDE)] == ["daily_loss"]

    switch = read_switch(day.home)
    assert [(trip.event.cause, trip.event.by) for trip in switch.trips] == [
        ("daily_loss", "intraday-monitor")
    ]
    assert switch.allows_reductions
    reset_switch(day.home, "Ann", "understood", NOON)
    watched(day, settings=WIDE)
    assert not read_switch(day.home).is_on
    assert day.truth().requests == []


def test_thirty_seconds_without_an_answer_trip_the_switch_and_a_short_silence_does_not(day):
    assert watched(day, Silent(6), WIDE) == ()
    for _ in range(2):  # a reset does not admit the next outage of the session
        assert [one.cause for one in watched(day, Silent(7), WIDE)] == ["connectivity"]
        assert [trip.event.cause for trip in read_switch(day.home).trips] == ["connectivity"]
        reset_switch(day.home, "Ann", "the line is back", day.clock())


def test_an_order_past_its_session_trips_the_switch(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(fill_frac=0)}, at=MORNING)
    reset_switch(day.home, "Ann", "set up", MORNING)
    day.step()
    day.clock.wait_until(CLOSES + timedelta(minutes=14))
    assert watched(day) == ()

    day.clock.wait_until(CLOSES + timedelta(minutes=15))
    assert [one.cause for one in watched(day)] == ["orders_past_session"]

    assert not read_switch(day.home).allows_reductions
