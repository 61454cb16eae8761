"""Entries of the outbox: ids, waits, and what is not an entry; and who is notified of what."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reporting.notify.outbox.entry import (
    DAMAGED,
    LONGEST_RETRY,
    Channel,
    Entry,
    after_failure,
    decode,
    encode,
)
from tasks.reporting.notify.routing import message, routes
from tasks.reporting.notify.schema import Kind
from tests.builders import make_settings
from tests.notices import EVENING, HOSTILE, email_settings, make_notice

ENTRY = Entry(
    "a" * 32, Channel.EMAIL, "ann@example.com", "test", "subject", "content", EVENING, 0, EVENING, ""
)
EMAIL = (Channel.EMAIL, "ann@example.com")


def made(notice, route=EMAIL, home="/home"):
    settings = email_settings()
    return message(notice, route, home=home, title="A", settings=settings.notifications, at=EVENING)


@given(st.text(), st.text())
def test_an_entry_is_read_back_as_it_was(subject, error):
    entry = Entry("b" * 32, Channel.SLACK, "slack", "test", subject, HOSTILE, EVENING, 3, EVENING, error)

    assert decode(encode(entry)) == entry


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", encode(ENTRY)[:-9], b'{"format": "other"}'])
def test_anything_else_is_not_an_entry(content):
    with pytest.raises(DAMAGED):
        decode(content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("next_at", "2024-06-14T22:00:00"),
        ("queued_at", "2024-06-14T22:00:00"),
        ("next_at", "0001-01-01T00:00:00+14:00"),
        ("content", "Ünïcode"),
        ("entry_id", "A" * 32),
        ("entry_id", "../" + "a" * 29),
        ("attempts", -1),
        ("attempts", True),
    ],
)
def test_an_entry_that_a_delivery_would_fail_on_is_damaged(field, value):
    stored = json.loads(encode(ENTRY)) | {field: value}

    with pytest.raises(DAMAGED):
        decode(json.dumps(stored).encode())


def test_each_wait_is_twice_the_one_before_up_to_four_hours():
    entry, waits = ENTRY, []
    for _ in range(12):
        entry = after_failure(entry, "no answer", EVENING)
        waits.append(entry.next_at - EVENING)

    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits[-1] == LONGEST_RETRY
    assert entry.attempts == 12


def test_a_notice_has_the_same_id_whenever_it_is_made_and_another_for_each_recipient():
    one = made(make_notice())

    assert one == made(make_notice())
    assert f"Message-ID: <{one.entry_id}@example.com>" in one.content
    assert one.entry_id != made(make_notice(), (Channel.EMAIL, "bob@example.com")).entry_id
    assert one.entry_id != made(make_notice(), home="/other").entry_id


def test_a_secret_in_a_text_is_masked(monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_SMTP_PASSWORD", "hunter2-hunter2")
    notice = make_notice(
        subject="hunter2-hunter2", lead=("x hunter2-hunter2",), data={"a": "hunter2-hunter2"}
    )

    for route in (EMAIL, (Channel.SLACK, "slack"), (Channel.WEBHOOK, "webhook")):
        assert "hunter2" not in encode(made(notice, route)).decode()


def test_nobody_is_notified_by_default():
    assert list(routes(make_settings().notifications, Kind.KILL_SWITCH)) == []


def test_what_a_channel_leaves_out_is_not_sent_by_it():
    settings = make_settings(
        **{
            "notifications.slack.enabled": True,
            "notifications.slack.kinds": ["run_failed"],
            "notifications.webhook.url": "https://example.com/hook",
        }
    ).notifications

    assert list(routes(settings, Kind.DAY_PROPOSED)) == [(Channel.WEBHOOK, "webhook")]
    assert [channel for channel, _ in routes(settings, Kind.RUN_FAILED)] == [Channel.SLACK, Channel.WEBHOOK]


def test_the_kill_switch_cannot_be_left_out():
    settings = email_settings(kinds=[])

    assert len(list(routes(settings.notifications, Kind.KILL_SWITCH))) == 2
    assert list(routes(settings.notifications, Kind.DAY_PROPOSED)) == []
