"""Messages are delivered to real servers on this machine, over each kind of connection."""

import email
import email.policy
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from tasks.core.homes.home import Home
from tasks.reporting.notify.outbox.store import Outbox
from tests.builders import make_settings
from tests.notices import KEY, Clock, email_settings, make_announcer, make_notice, with_limit
from tests.servers.smtp import LOGIN, PASSWORD, smtp_server, throw_away_certificate

SLACK_PATH = "/services/T0/B0/secret-token"


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """The TLS context of a server, whose certificate this process trusts."""
    context, public = throw_away_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    return context


@pytest.fixture
def web(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(host="127.0.0.1") as server:
        yield server


def deliver(root, settings, notice=None, clock=None):
    announcer = make_announcer(root, settings, clock)
    announcer.say(notice or make_notice())
    return announcer.deliver()


def states(attempts):
    return [attempt.outcome.state for attempt in attempts]


def box_of(root):
    return Outbox(Home(root))


def test_each_recipient_gets_a_mail_of_its_own(tmp_path):
    with smtp_server() as inbox:
        attempts = deliver(tmp_path, email_settings(inbox.port))

    mails = [email.message_from_bytes(mail.content, policy=email.policy.default) for mail in inbox.mails]
    assert states(attempts) == ["sent", "sent"]
    assert sorted(mail["To"] for mail in mails) == ["ann@example.com", "bob@example.com"]
    assert [mail.rcpt_tos for mail in inbox.mails] == [[mail["To"]] for mail in mails]
    assert mails[0]["Message-ID"] != mails[1]["Message-ID"]
    assert box_of(tmp_path).entries() == []


def test_a_notice_is_delivered_once_however_often_it_is_said(tmp_path):
    with smtp_server() as inbox:
        for _ in range(3):
            deliver(tmp_path, email_settings(inbox.port))

    assert len(inbox.mails) == 2


def test_a_message_with_a_receipt_is_not_sent_again(tmp_path):
    """Its process died after it had written the receipt, before it removed the message."""
    with smtp_server() as inbox:
        announcer = make_announcer(tmp_path, email_settings(inbox.port, recipients=["ann@example.com"]))
        announcer.say(make_notice())
        (entry,) = box_of(tmp_path).entries()
        box_of(tmp_path).note_sent(entry)
        box_of(tmp_path).put(entry)

        announcer.deliver()

    assert inbox.mails == []
    assert box_of(tmp_path).entries() == []


def test_a_message_that_waits_keeps_its_wait_when_it_is_said_again(tmp_path):
    settings = email_settings(1, recipients=["ann@example.com"])
    deliver(tmp_path, settings)

    make_announcer(tmp_path, settings).say(make_notice())

    assert [entry.attempts for entry in box_of(tmp_path).entries()] == [1]


@pytest.mark.parametrize("is_implicit", [False, True])
def test_mail_is_sent_over_tls_with_a_login(tmp_path, certificate, is_implicit, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_SMTP_PASSWORD", PASSWORD)
    with smtp_server(tls=certificate, is_implicit=is_implicit, needs_login=True) as inbox:
        tls = "implicit" if is_implicit else "starttls"
        settings = email_settings(inbox.port, host="localhost", tls=tls, login=LOGIN)
        attempts = deliver(tmp_path, settings)

    assert states(attempts) == ["sent", "sent"]


def test_a_server_with_an_unknown_certificate_gets_nothing(tmp_path, certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with smtp_server(tls=certificate) as inbox:
        attempts = deliver(tmp_path, email_settings(inbox.port, host="localhost", tls="starttls"))

    assert states(attempts) == ["unreachable"]
    assert "certificate" in attempts[0].outcome.detail
    assert inbox.mails == []


def test_a_server_without_tls_gets_nothing_if_tls_is_configured(tmp_path):
    with smtp_server() as inbox:
        attempts = deliver(tmp_path, email_settings(inbox.port, tls="starttls"))

    assert states(attempts) == ["unreachable"]
    assert inbox.mails == []


def test_a_wrong_password_is_tried_again_and_never_shown(tmp_path, certificate, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_SMTP_PASSWORD", "wrong-password")
    with smtp_server(tls=certificate, needs_login=True) as inbox:
        settings = email_settings(inbox.port, host="localhost", tls="starttls", login=LOGIN)
        attempts = deliver(tmp_path, settings)

    assert states(attempts) == ["failed", "failed"]
    assert "wrong-password" not in repr(attempts)
    assert [entry.attempts for entry in box_of(tmp_path).entries()] == [1, 1]


def test_a_missing_password_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("AFTERCLOSE_SMTP_PASSWORD", raising=False)

    attempts = deliver(tmp_path, email_settings(1, login=LOGIN))

    assert attempts[0].outcome.detail == "AFTERCLOSE_SMTP_PASSWORD is not set"


def test_a_temporary_refusal_is_tried_again_after_its_wait(tmp_path):
    clock = Clock()
    with smtp_server() as inbox:
        settings = email_settings(inbox.port, recipients=["ann@example.com"])
        inbox.rcpt = ["451 try later"]
        first = deliver(tmp_path, settings, clock=clock)
        too_early = make_announcer(tmp_path, settings, clock).deliver()
        clock.at += timedelta(minutes=1)
        later = make_announcer(tmp_path, settings, clock).deliver()

    assert [states(each) for each in (first, too_early, later)] == [["failed"], [], ["sent"]]
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("moment", ["rcpt", "data"])
def test_a_permanent_refusal_is_not_tried_again(tmp_path, moment):
    with smtp_server() as inbox:
        setattr(inbox, moment, ["550 no such user"])
        attempts = deliver(tmp_path, email_settings(inbox.port))

    (dead,) = box_of(tmp_path).dead_entries()
    assert sorted(states(attempts)) == ["refused", "sent"]
    assert dead.error == "the server answered 550 no such user"
    assert box_of(tmp_path).entries() == []


def test_a_message_that_could_not_be_delivered_for_days_is_given_up(tmp_path):
    clock = Clock()
    settings = email_settings(1, recipients=["ann@example.com"])
    deliver(tmp_path, settings, clock=clock)
    clock.at += timedelta(days=settings.notifications.retry_days)

    make_announcer(tmp_path, settings, clock).deliver()

    assert box_of(tmp_path).entries() == []
    assert [entry.recipient for entry in box_of(tmp_path).dead_entries()] == ["ann@example.com"]


def test_a_server_that_hangs_costs_bounded_seconds(tmp_path):
    with smtp_server() as inbox:
        inbox.delay_s = 3.0
        attempts = deliver(tmp_path, with_limit(email_settings(inbox.port), 0.5))

    assert "sent" not in states(attempts)
    assert len(box_of(tmp_path).entries()) == 2


def test_slack_gets_the_message_at_its_secret_url(tmp_path, web, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_SLACK_WEBHOOK_URL", web.url_for(SLACK_PATH))
    web.expect_request(SLACK_PATH, method="POST").respond_with_data("ok")

    attempts = deliver(tmp_path, make_settings(**{"notifications.slack.enabled": True}))

    (request, _) = web.log[0]
    assert states(attempts) == ["sent"]
    assert request.get_json()["text"].startswith("[Afterclose] 2024-06-14: approve 1 trade")


def test_the_url_of_slack_is_neither_stored_nor_logged(tmp_path, web, monkeypatch, caplog):
    monkeypatch.setenv("AFTERCLOSE_SLACK_WEBHOOK_URL", web.url_for(SLACK_PATH))
    web.stop()

    attempts = deliver(tmp_path, make_settings(**{"notifications.slack.enabled": True}))

    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert states(attempts) == ["unreachable"]
    assert b"secret-token" not in stored
    assert "secret-token" not in caplog.text + repr(attempts)


@pytest.mark.parametrize(
    ("code", "state"), [(500, "failed"), (429, "failed"), (302, "failed"), (400, "refused")]
)
def test_an_answer_other_than_success_is_a_failure(tmp_path, web, monkeypatch, code, state):
    monkeypatch.setenv("AFTERCLOSE_SLACK_WEBHOOK_URL", web.url_for(SLACK_PATH))
    answer = Response(status=code, headers={"Location": web.url_for("/elsewhere")})
    web.expect_request(SLACK_PATH).respond_with_response(answer)
    web.expect_request("/elsewhere").respond_with_data("ok")

    assert states(deliver(tmp_path, make_settings(**{"notifications.slack.enabled": True}))) == [state]
    assert len(web.log) == 1


def test_the_webhook_is_signed_as_documented(tmp_path, web, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_WEBHOOK_SECRET", KEY)
    web.expect_request("/hook", method="POST").respond_with_data("", status=204)

    attempts = deliver(tmp_path, make_settings(**{"notifications.webhook.url": web.url_for("/hook")}))

    (request, _) = web.log[0]
    signed = request.headers["Afterclose-Timestamp"].encode() + b"." + request.get_data()
    assert states(attempts) == ["sent"]
    assert (
        request.headers["Afterclose-Signature"]
        == f"v1={hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()}"
    )
    assert json.loads(request.get_data())["id"] == request.headers["Afterclose-Id"]


def test_a_dead_channel_does_not_stop_another(tmp_path, web, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_WEBHOOK_SECRET", KEY)
    web.expect_request("/hook").respond_with_data("ok")
    email_part = email_settings(1).notifications.email
    settings = make_settings(**{"notifications.webhook.url": web.url_for("/hook")})
    both = settings.notifications.model_copy(update={"email": email_part})

    attempts = deliver(tmp_path, settings.model_copy(update={"notifications": both}))

    assert sorted(states(attempts)) == [
        "sent",
        "unreachable",
    ]  # the second mail is not tried at a server that is down


def test_the_files_of_the_outbox_are_private(tmp_path):
    deliver(tmp_path, email_settings(1))

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "data/outbox/waiting").iterdir()}
    assert modes == {0o600}


def test_the_outbox_is_a_folder_of_its_owner_alone_also_if_it_was_open_before(tmp_path):
    box = tmp_path / "data/outbox"
    box.mkdir(parents=True)
    box.chmod(0o755)

    make_announcer(tmp_path, email_settings(1)).look_at_switch()

    assert box.stat().st_mode & 0o777 == 0o700
    assert (box / "switch.json").stat().st_mode & 0o777 == 0o600
