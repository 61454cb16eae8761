"""Notifications under faults: a failed notification neither stops nor changes what it reports (faults 99 and 100)."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from flows.operations.decisions.review import actions_of
from flows.terminal import Options
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.reporting.notify.outbox.store import Outbox
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch
from tests.builders import FRIDAY
from tests.homes import afterclose
from tests.notices import EVENING, Clock, email_settings, make_announcer, make_notice
from tests.servers.smtp import smtp_server

HOUR = timedelta(hours=1)
ONE = {"recipients": ["ann@example.com"]}
DIES_AFTER_SENDING = """
import os, sys
from pathlib import Path
from tasks.reporting.notify.outbox.store import Outbox
from tests.notices import email_settings, make_announcer, make_notice

Outbox.note_sent = lambda self, entry: os.kill(os.getpid(), 9)
announcer = make_announcer(Path(sys.argv[1]), email_settings(int(sys.argv[2]), recipients=["ann@example.com"]))
announcer.say(make_notice())
announcer.deliver()
"""

DELIVERS = """
import sys
from pathlib import Path
from tests.notices import Clock, email_settings, make_announcer

make_announcer(Path(sys.argv[1]), email_settings(int(sys.argv[2])), Clock()).deliver()
"""


def make_home(root, port=1):
    home = Home(root)
    set_up(home)
    email = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@example.com", **ONE}
    home.config_file.write_text(yaml.safe_dump({"notifications": {"email": email, "max_delivery_s": 2.0}}))
    return home


def subjects(inbox):
    return [
        line
        for mail in inbox.mails
        for line in mail.content.decode().split("\r\n")
        if line.startswith("Subject")
    ]


def message_ids(inbox):
    return [
        line
        for mail in inbox.mails
        for line in mail.content.decode().split("\r\n")
        if line.startswith("Message-ID")
    ]


def test_fault_100_without_a_mail_server_trading_is_halted_and_the_alert_is_queued(tmp_path):
    home = make_home(tmp_path / "home")

    ended = afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "odd prices", home=home.root)

    (waiting,) = Outbox(home).entries()
    assert ended.returncode == 0, ended.stderr
    assert read_switch(home).is_on
    assert waiting.subject == "[Afterclose] KILL SWITCH ON: odd prices"
    with smtp_server() as inbox:
        make_home(home.root, inbox.port)
        assert afterclose("notify", "flush", home=home.root).returncode == 0
    assert len(inbox.mails) == 1


def test_a_trip_by_a_file_is_announced_by_the_next_command(tmp_path):
    with smtp_server() as inbox:
        home = make_home(tmp_path / "home", inbox.port)
        home.stop_file.touch()

        afterclose("monitor", "--once", home=home.root)
        afterclose("monitor", "--once", home=home.root)
        home.stop_file.unlink()
        afterclose("monitor", "--once", home=home.root)
        home.stop_file.touch()
        afterclose("monitor", "--once", home=home.root)

    assert [line.split()[2:5] for line in subjects(inbox)] == [
        ["KILL", "SWITCH", "ON:"],
        ["kill", "switch", "off,"],
        ["KILL", "SWITCH", "ON:"],
    ]


def test_a_trip_on_the_review_page_is_announced_at_once(tmp_path):
    """Its server goes on running, so it does not wait for the end of a command."""
    with smtp_server() as inbox:
        home = make_home(tmp_path / "home", inbox.port)
        actions_of(Options(home=home.root), FRIDAY).trip("Ann", "odd prices")

        for _ in range(200):
            if home.metrics_file.exists() and inbox.mails:
                break
            time.sleep(0.05)

    assert subjects(inbox) == ["Subject: [Afterclose] KILL SWITCH ON: odd prices"]


def test_a_connection_that_breaks_after_the_server_accepted_gives_the_same_mail_twice(tmp_path):
    clock = Clock()
    with smtp_server() as inbox:
        inbox.drops = 1
        announcer = make_announcer(tmp_path, email_settings(inbox.port, **ONE), clock)
        announcer.say(make_notice())
        announcer.deliver()
        clock.at = clock.at.replace(hour=23)
        announcer.deliver()

    assert len(inbox.mails) == 2
    assert inbox.mails[0].content == inbox.mails[1].content


def test_a_process_that_dies_after_sending_sends_the_same_message_id_again(tmp_path):
    with smtp_server() as inbox:
        command = [sys.executable, "-c", DIES_AFTER_SENDING, str(tmp_path), str(inbox.port)]
        died = subprocess.run(command, capture_output=True, check=False)
        clock = Clock(EVENING.replace(hour=23))
        make_announcer(tmp_path, email_settings(inbox.port, **ONE), clock).deliver()

    assert died.returncode == -signal.SIGKILL
    assert len(message_ids(inbox)) == 2
    assert len(set(message_ids(inbox))) == 1


def test_an_alert_is_sent_even_if_it_cannot_be_stored(tmp_path, caplog):
    with smtp_server() as inbox:
        announcer = make_announcer(tmp_path, email_settings(inbox.port, **ONE))
        home = Home(tmp_path)
        trip_switch(home, "Ann", "odd prices", EVENING)
        home.outbox.write_text("in the way")

        announcer.look_at_switch()
        announcer.deliver()

    assert [line for line in subjects(inbox) if "KILL SWITCH ON: odd prices" in line]
    assert "could not be written" in caplog.text


def test_a_damaged_file_of_the_outbox_stops_nothing_and_is_named(tmp_path):
    with smtp_server() as inbox:
        announcer = make_announcer(tmp_path, email_settings(inbox.port))
        announcer.say(make_notice())
        box = Outbox(Home(tmp_path))
        broken = min(box.waiting.iterdir())
        broken.write_bytes(broken.read_bytes()[:100])

        announcer.deliver()

    assert len(inbox.mails) == 1
    assert box.unreadable() == [broken.name]


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"number": "x"}'])
def test_a_lost_record_of_what_was_announced_announces_an_active_trip_again(tmp_path, content):
    clock = Clock()
    with smtp_server() as inbox:
        announcer = make_announcer(tmp_path, email_settings(inbox.port, **ONE), clock)
        home = Home(tmp_path)
        trip_switch(home, "Ann", "odd prices", EVENING)
        announcer.look_at_switch()
        record = home.outbox / "switch.json"
        if content is None:
            record.unlink()
        else:
            record.write_bytes(content)
        clock.at = clock.at.replace(hour=23)

        announcer.look_at_switch()
        announcer.deliver()

    assert len(subjects(inbox)) == 2


def test_the_first_look_at_a_home_says_nothing_of_the_past(tmp_path):
    with smtp_server() as inbox:
        announcer = make_announcer(tmp_path, email_settings(inbox.port, **ONE))
        home = Home(tmp_path)
        trip_switch(home, "Ann", "odd prices", EVENING)
        reset_switch(home, "Ann", "looked into", EVENING)

        announcer.look_at_switch()
        announcer.deliver()

    assert inbox.mails == []


def test_two_processes_deliver_a_message_once(tmp_path):
    """The second one waits for the first, or leaves what is left to a later command."""
    with smtp_server() as inbox:
        inbox.delay_s = 0.2
        announcer = make_announcer(tmp_path, email_settings(inbox.port))
        announcer.say(make_notice())
        command = [sys.executable, "-c", DELIVERS, str(tmp_path), str(inbox.port)]
        processes = [subprocess.Popen(command) for _ in range(3)]
        for process in processes:
            process.wait()

    assert len(message_ids(inbox)) == len(set(message_ids(inbox))) == 2


@pytest.mark.parametrize(
    ("field", "value"), [("next_at", "2024-06-14T22:00:00"), ("queued_at", "2024"), ("content", "é")]
)
def test_a_damaged_message_holds_back_no_other_and_is_named(tmp_path, field, value):
    with smtp_server() as inbox:
        home = make_home(tmp_path / "home", inbox.port)
        settings = email_settings(inbox.port, recipients=["ann@example.com"])
        make_announcer(home.root, settings).say(make_notice())
        (path,) = Outbox(home).waiting.iterdir()
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
        os.mkfifo(Outbox(home).waiting / "a.json")

        tripped = afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "odd", home=home.root)

    assert tripped.returncode == 0, tripped.stderr
    assert [line.split()[2:5] for line in subjects(inbox)] == [["KILL", "SWITCH", "ON:"]]
    assert path.name in afterclose("notify", "status", home=home.root).stdout
    assert path.name in afterclose("doctor", home=home.root).stdout


def test_a_message_that_no_library_takes_counts_as_tried_and_holds_back_no_other(tmp_path):
    """Its recipient is not ASCII, which the mail library refuses with an error of its own."""
    with smtp_server() as inbox:
        settings = email_settings(inbox.port, recipients=["ann@example.com"])
        announcer = make_announcer(tmp_path, settings, Clock())
        announcer.say(make_notice())
        (bad,) = Outbox(Home(tmp_path)).entries()
        announcer.say(make_notice(key="another"))
        Outbox(Home(tmp_path)).put(replace(bad, recipient="änn@example.com", queued_at=EVENING - HOUR))

        announcer.deliver()

        (left,) = Outbox(Home(tmp_path)).entries()
    assert (left.entry_id, left.attempts, left.error) == (bad.entry_id, 1, "unexpected UnicodeEncodeError")
    assert len(inbox.mails) == 1


def test_a_receipt_that_cannot_be_written_holds_back_no_other(tmp_path):
    with smtp_server() as inbox:
        settings = email_settings(inbox.port, recipients=["ann@example.com"])
        announcer = make_announcer(tmp_path, settings, Clock())
        announcer.say(make_notice())
        announcer.say(make_notice(key="another"))
        first = Outbox(Home(tmp_path)).entries()[0]
        Outbox(Home(tmp_path)).sent.mkdir()
        (Outbox(Home(tmp_path)).sent / first.entry_id).symlink_to(tmp_path / "nowhere" / "file")

        announcer.deliver()

        (left,) = Outbox(Home(tmp_path)).entries()
    assert (left.entry_id, left.attempts) == (first.entry_id, 1)
    assert len(inbox.mails) == 2
