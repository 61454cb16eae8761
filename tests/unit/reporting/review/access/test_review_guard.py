"""The address under which the page may be opened, and the forms that it reads."""

import pytest

from tasks.core.errors import ConfigError
from tasks.reporting.review.access.guard import endpoint
from tasks.reporting.review.forms import LONGEST_FIELD, MOST_FIELDS, parse_form


@pytest.mark.parametrize(
    ("address", "port", "origin", "is_local"),
    [
        ("127.0.0.1", 8765, "http://127.0.0.1:8765", True),
        ("127.0.0.1", 80, "http://127.0.0.1", True),
        ("::1", 8765, "http://[::1]:8765", True),
        ("192.168.1.5", 8765, "http://192.168.1.5:8765", False),
    ],
)
def test_an_address_has_one_origin(address, port, origin, is_local):
    served = endpoint(address, port)

    assert (served.origin, served.is_local) == (origin, is_local)
    assert served.host == origin.removeprefix("http://")
    assert served.takes_passphrases == is_local


def test_behind_a_proxy_the_page_is_not_local_and_its_cookie_is_secure():
    served = endpoint("127.0.0.1", 8765, origin="https://review.example.com")

    assert (served.host, served.is_local) == ("review.example.com", False)
    assert served.takes_passphrases
    assert served.cookie.startswith("__Host-")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "localhost", "", "example.com"])  # noqa: S104
def test_an_address_that_a_browser_could_not_name_is_refused(address):
    with pytest.raises(ConfigError):
        endpoint(address, 8765)


@pytest.mark.parametrize(
    "origin",
    [
        "http://review.example.com",
        "https://review.example.com/",
        "https://review.example.com/day",
        "https://Review.example.com",
        "https://user@review.example.com",
        "https://review.example.com:443",
        "https://review.example.com:x",
        "https://",
        "review.example.com",
        "https://revi\u0435w.example.com",
    ],
)
def test_an_origin_that_no_browser_would_state_is_refused(origin):
    with pytest.raises(ConfigError):
        endpoint("127.0.0.1", 8765, origin=origin)


def test_a_form_gives_its_last_value_and_all_of_them():
    form = parse_form(b"by=Ann+Lee&strike=A&strike=B&reason=caf%C3%A9&empty=")

    assert (form.text("by"), form.text("reason"), form.text("empty")) == ("Ann Lee", "café", "")
    assert [value for name, value in form.pairs() if name == "strike"] == ["A", "B"]
    assert form.text("missing") == ""


@pytest.mark.parametrize(
    "body",
    [
        b"a=%FF",
        b"\xff=1",
        b"no pair",
        b"&".join(b"a=1" for _ in range(MOST_FIELDS + 1)),
        b"a=" + b"x" * (LONGEST_FIELD + 1),
    ],
)
def test_a_form_that_no_browser_would_send_is_refused(body):
    with pytest.raises(ConfigError, match="cannot be used"):
        parse_form(body)
