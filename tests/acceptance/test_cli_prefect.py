"""The errors of `serve` and `deploy` without a Prefect server. With one: tests/flows."""

import json

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.homes import afterclose, afterclose_process, blank

NOWHERE = "http://127.0.0.1:9/api"


# issue 10, line 11
def test_without_a_named_server_nothing_is_started_and_the_one_command_is_said(tmp_path):
    home = blank(tmp_path / "home")

    result = afterclose_process("serve", "--json", home=home)

    assert result.returncode == 2
    assert "prefect config set PREFECT_API_URL=" in json.loads(result.stdout)["remedy"]
    assert "temporary server" not in result.stderr


# issue 10, line 11
def test_without_a_named_server_nothing_is_registered(tmp_path):
    home = blank(tmp_path / "home")

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        result = afterclose("deploy", "--json", home=home)

    assert result.returncode == 2
    assert "prefect config set PREFECT_API_URL=" in json.loads(result.stdout)["remedy"]


def test_a_server_that_does_not_answer_is_a_matter_of_time(tmp_path):
    home = blank(tmp_path / "home")

    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        result = afterclose("deploy", home=home)

    assert result.returncode == 75
    assert "No Prefect server answers at http://127.0.0.1:9/api" in result.stderr


@pytest.mark.parametrize("command", ["serve", "deploy"])
def test_a_home_that_cannot_run_is_not_registered(tmp_path, command):
    home = blank(tmp_path / "home")
    (home / "config.yaml").write_text("seeed: 1\n")

    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        result = afterclose(command, home=home)

    assert result.returncode == 2
    assert "seeed" in result.stderr
