"""Connections to the review page: slow ones are dropped, and never keep out a person who approves."""

import socket
from contextlib import ExitStack
from datetime import date
from time import sleep
from urllib.parse import urlsplit

import pytest
import requests

from flows.operations.decisions import connections
from tests.approval_days import EVENING, PASSPHRASE, cheap_key, clock_at, folder_of, make_home
from tests.browsing import served_review
from tests.homes import afterclose
from tests.review_pages import FIELD

DROPPED = (ConnectionResetError, BrokenPipeError)
DAY = "/days/2024-06-14"
STARTED = {
    "nothing": b"",
    "a part of the head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "a part of the body": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nby=",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("AFTERCLOSE_APPROVAL_PASSPHRASE", "AFTERCLOSE_APPROVAL_KEY_FILE", "AFTERCLOSE_HOME"):
        monkeypatch.delenv(name, raising=False)
    run = make_home(tmp_path / "home")
    with clock_at(EVENING):
        yield run


@pytest.fixture
def address(run):
    """The address that opens the page."""
    with served_review(run.home.root, date(2024, 6, 14)) as url:
        yield url


def connected(url, said=b""):
    """Return a connection that has sent this much."""
    served = urlsplit(url)
    made = socket.create_connection((served.hostname, served.port), timeout=60)
    made.sendall(said)
    return made


def ended(connection):
    """Wait until the server drops the connection; return what it sent."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def send_until_dropped(connection, said, *, pause_s=0.0):
    while True:
        connection.sendall(said)
        sleep(pause_s)


@pytest.mark.parametrize("said", STARTED)
def test_a_connection_that_does_not_complete_its_request_in_time_is_dropped(monkeypatch, address, said):
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)

    with connected(address, STARTED[said]) as slow:
        ended(slow)  # fails by the socket's timeout if the server keeps it


def test_a_drop_at_a_time_does_not_extend_the_time(monkeypatch, address):
    monkeypatch.setattr(connections, "REQUEST_S", 0.5)

    with connected(address, b"GET / HTTP/1.1\r\n") as slow, pytest.raises(DROPPED):
        send_until_dropped(slow, b"X: y\r\n", pause_s=0.05)


def test_a_client_that_does_not_read_its_answer_is_dropped(monkeypatch, address):
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)
    served = urlsplit(address)
    request = f"GET /static/htmx.min.js HTTP/1.1\r\nHost: {served.netloc}\r\n\r\n".encode()

    with connected(address) as slow, pytest.raises(DROPPED):
        send_until_dropped(slow, request * 100)


def test_a_person_approves_while_slow_connections_take_every_place(run, address, tmp_path):
    """Without a drop in time: the longest waiting one makes room."""
    key = str(cheap_key(tmp_path / "ann.pem"))
    words = ("--by", "Root", "--reason", "set-up", "--key", key)
    added = afterclose(
        "approvers", "add", "Ann Lee", *words, home=run.home.root, AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE
    )
    assert added.returncode == 0, added.stderr
    served = urlsplit(address)
    origin = f"{served.scheme}://{served.netloc}"

    with ExitStack() as slow:
        for number in range(2 * connections.MOST_CONNECTIONS):
            slow.enter_context(connected(address, list(STARTED.values())[number % 3]))
        with requests.Session() as person:
            assert person.get(address, timeout=60).status_code == 200
            fields = dict(FIELD.findall(person.get(origin + DAY, timeout=60).text))
            signing = {**fields, "by": "Ann Lee", "key_file": key, "passphrase": PASSPHRASE}
            answer = person.post(
                f"{origin}{DAY}/approve", data=signing, headers={"Origin": origin}, timeout=60
            )

    assert answer.status_code == 200, answer.text
    assert (folder_of(run) / "approval.json").exists()
