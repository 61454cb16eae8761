"""Whether the day may be approved, from the checks of the day."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.approval.approval_log import Rejection
from tasks.approval.day import PublishedDay
from tasks.approval.standing import Standing
from tasks.reporting.day.executed import executed_day
from tasks.reporting.review.health import exchange_time, time_left, verdict
from tasks.reporting.review.recorded_limits import exceeded_limits
from tasks.reporting.review.schema import Reading
from tasks.safety.kill_switch.switch_file import Event, Switch

AT = datetime(2024, 6, 14, 22, tzinfo=UTC)


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


def published(revision=0, limits=(), **monitored):
    risk = {"risk_assessment": {"limits": list(limits)}} if limits else {}
    check = {"name": "a", "value": "0", "limit": "", "outcome": "passed"}
    parity = {"state": "equal", "sessions": ["2024-06-14"]}
    log = {"checks": [check], "parity": parity, **risk, **monitored}
    files = {"monitoring_log.json": json.dumps(log).encode()}
    return PublishedDay(
        date(2024, 6, 14), revision, b"{}", files, {}, None, 0, 0, differs_from_backtest=False
    )


def answer(day, state="open", executed=None, **standing):
    switch = Switch(Event("clear", "Root", "set-up", None), (), ())
    given = Standing(state, day, **standing)
    return verdict(Reading(day.session, given, "", switch, AT, False, executed, (), "", ""))


def point(found, name):
    return next(one for one in found.points if one.name == name)


OVER = {"name": "beta", "value": 1.234, "limit": 1.1, "state": "breached"}
WITHIN = {"name": "volatility", "value": 0.1, "limit": 0.2, "state": "within"}


@pytest.mark.parametrize("revision", [0, 1])
def test_an_exceeded_risk_limit_of_a_day_or_of_a_revision_has_to_be_read_first(revision):
    found = answer(published(revision, [OVER, WITHIN]))

    assert found.headline == "You may approve, after reading what is marked"
    assert point(found, "Risk").words == "1 risk limit exceeded after the trades"
    assert point(found, "Risk").detail == ("Beta: 1.23 (limit 1.10)",)
    assert answer(published(revision, [WITHIN])).headline == "You may approve"


def test_value_at_risk_has_the_precision_of_the_report():
    over = {"name": "var_1d", "value": 0.04149, "limit": 0.02, "state": "breached"}

    assert exceeded_limits(published(limits=[over])) == ("Daily risk budget (VaR 1 d): 4.15% (limit 2.00%)",)


def test_risk_limits_that_were_not_assessed_are_not_within_limits():
    found = answer(published(1))

    assert found.headline == "You may approve, after reading what is marked"
    assert "not assessed for this revision" in point(found, "Risk").words


def test_of_a_revision_the_comparison_with_the_backtest_is_one_of_the_list_as_published():
    assert point(answer(published(1)), "Backtest").words == (
        "Equal to the share and cent, of the list as published, 1 session"
    )
    assert point(answer(published()), "Backtest").words == "Equal to the share and cent, 1 session"


WAITING = [
    {"row": 0, "state": "working", "reason": "", "filled_shares": "0", "filled_usd": "0", "fees_usd": "0"}
]
FILLED = [{**WAITING[0], "state": "filled", "filled_shares": "3", "filled_usd": "30"}]


def executed(outcome, orders):
    lines = [{"symbol": name, "side": "BUY", "shares": "3", "price": "10"} for name in ("AAA", "BBB")]
    document = {
        "session": "2024-06-14",
        "fill_session": "2024-06-17",
        "broker": "paper",
        "outcome": outcome,
        "why": "the bars of SPY are not there",
        "lines": lines,
        "orders": orders,
        "bridge": [],
    }
    return executed_day(date(2024, 6, 14), json.dumps(document).encode(), estimated_cents=None)


@pytest.mark.parametrize(
    ("outcome", "orders", "headline", "tone"),
    [
        ("waiting", WAITING, "Executing: 1 order open at the broker, 1 not sent yet", "warn"),
        ("again", FILLED, "Executing: 1 order not sent yet", "warn"),
        ("ended", FILLED, "Executed: 1 of 2 orders filled", "good"),
        ("halted", WAITING, "Execution halted", "warn"),
    ],
)
def test_the_headline_of_an_execution_is_its_outcome(outcome, orders, headline, tone):
    found = answer(published(0, [WITHIN]), "executed", executed(outcome, orders))

    assert (found.headline, found.tone) == (headline, tone)
    assert point(found, "Execution").words == f"{outcome.capitalize()}: the bars of SPY are not there"


def test_an_execution_that_cannot_be_read_is_not_called_done():
    unreadable = executed_day(date(2024, 6, 14), b"{}", estimated_cents=None)

    for found in (answer(published(), "executed", one) for one in (None, unreadable)):
        assert found.headline == "Executed, but execution.json cannot be read"
        assert found.tone == "warn"


def test_an_overruled_rejection_is_not_shown_as_one_that_holds():
    rejection = Rejection("Bob", "2024-06-14T22:00:00Z", "odd price")

    for state in ("approved", "executed"):
        overruled = answer(published(), state, rejection=rejection, signed_by=("Ann",))
        assert point(overruled, "Rejection").words == "Approved; an earlier rejection was overruled"
        assert point(overruled, "Rejection").tone == "good"
    held = answer(published(), "rejected", rejection=rejection)
    assert (
        point(held, "Rejection").words
        == "Rejected by Bob (name not verified) at 2024-06-14T22:00:00Z: odd price"
    )
