"""`afterclose review` as a process: its address, its end, and what it refuses to serve."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from flows.operations.decisions.approval import approve
from flows.operations.decisions.serving import open_review
from flows.terminal import Options
from tasks.core.errors import SafetyError
from tests.approval_days import make_home
from tests.homes import afterclose, clean_environ

DAY = "2024-06-14"


def refused(home, *options, **environ):
    ended = afterclose("review", DAY, "--port", "0", *options, home=home, **environ)
    return ended.returncode, ended.stderr


def test_the_page_is_served_until_it_is_interrupted(tmp_path):
    home = make_home(tmp_path / "home").home.root
    command = [
        str(Path(sys.executable).parent / "afterclose"),
        "--home",
        str(home),
        "review",
        DAY,
        "--port",
        "0",
    ]
    with subprocess.Popen(
        [*command, "--json"],
        env=clean_environ(home, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        printed = ""
        while not printed.rstrip().endswith("}"):
            printed += process.stdout.readline()
        url = json.loads(printed)["url"]
        opened = requests.get(url, timeout=30)
        again = requests.get(url, timeout=30)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/start/[\w-]{43}", url)
    assert (opened.status_code, again.status_code) == (200, 401)
    assert "May it be approved?" in opened.text
    assert (process.returncode, errors) == (0, "")


def test_fault_110_a_page_that_others_can_reach_needs_a_password(tmp_path):
    home = make_home(tmp_path / "home").home.root

    for options in (("--bind", "192.0.2.1"), ("--origin", "https://review.example.com")):
        code, words = refused(home, *options)
        assert code == 2
        assert "needs a password" in words
    code, words = refused(home, "--origin", "https://review.example.com", AFTERCLOSE_REVIEW_PASSWORD="tiny")  # noqa: S106
    assert (code, "shorter than 12" in words) == (2, True)
    code, words = refused(home, "--bind", "0.0.0.0")  # noqa: S104
    assert (code, "--origin" in words) == (2, True)


def test_a_session_that_was_never_published_is_refused_as_approve_refuses_it(tmp_path):
    """Not by the command: without the refusal, it would serve an empty page until it is interrupted."""
    options = Options(home=make_home(tmp_path / "home").home.root)

    with pytest.raises(SafetyError, match="2024-06-13 was not published") as refused:
        open_review(options, "2024-06-13", port=0, bind="127.0.0.1", origin=None)
    with pytest.raises(SafetyError) as by_approve:
        approve(options, "2024-06-13", by="Ann Lee")

    assert str(refused.value) == str(by_approve.value)
    assert refused.value.exit_code == 3


def test_a_port_that_is_taken_is_named(tmp_path):
    import socket

    home = make_home(tmp_path / "home").home.root
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = afterclose("review", DAY, "--port", str(taken.getsockname()[1]), home=home)

    assert ended.returncode == 2
    assert "cannot listen" in ended.stderr
