"""Settings of notifications that would not work, or would leak, are refused."""

import pytest
from pydantic import ValidationError

from tests.builders import make_settings
from tests.notices import email_settings


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ""},
        {"recipients": []},
        {"recipients": ["ann@example.com", "ann@example.com"]},
        {"recipients": ["ann@example.com\r\nBcc: x@example.com"]},
        {"recipients": ["ann"]},
        {"sender": "Ann <ann@example.com>"},
        {"host": "mail.example.com", "login": "ann", "tls": "none"},
        {"host": "mail.example.com\r\n"},
        {"port": 0},
        {"kinds": ["kill_switch"]},
    ],
)
def test_a_mail_setting_that_cannot_work_is_refused(changes):
    with pytest.raises(ValidationError):
        email_settings(**changes)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://user@example.com/",
        "file:///etc/passwd",
        "http://localhost.evil.com/",
        "https://a\nb",
        "http://localhost",
    ],
)
def test_a_webhook_needs_https_unless_it_is_on_this_machine(url):
    with pytest.raises(ValidationError):
        make_settings(**{"notifications.webhook.url": url})


@pytest.mark.parametrize("url", ["", "https://example.com/hook", "http://localhost:8080/", "http://[::1]/x"])
def test_other_urls_are_accepted(url):
    assert make_settings(**{"notifications.webhook.url": url}).notifications.webhook.url == url
