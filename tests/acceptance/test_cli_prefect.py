"""The errors of `serve` and `deploy` without a Prefect server. With one: tests/flows."""

import json

import pytest

from tests.homes import afterclose_process, blank


# issue 10, line 11
@pytest.mark.parametrize("command", ["serve", "deploy"])
def test_without_a_named_server_nothing_is_started_and_the_one_command_is_said(tmp_path, command):
    home = blank(tmp_path / "home")

    result = afterclose_process(command, "--json", home=home)

    assert result.returncode == 2
    assert "prefect config set PREFECT_API_URL=" in json.loads(result.stdout)["remedy"]
    assert "temporary server" not in result.stderr


def test_a_server_that_does_not_answer_is_a_matter_of_time(tmp_path):
    home = blank(tmp_path / "home")

    result = afterclose_process("deploy", home=home, PREFECT_API_URL="http://127.0.0.1:9/api")

    assert result.returncode == 75
    assert "No Prefect server answers at http://127.0.0.1:9/api" in result.stderr


@pytest.mark.parametrize("command", ["serve", "deploy"])
def test_a_home_that_cannot_run_is_not_registered(tmp_path, command):
    home = blank(tmp_path / "home")
    (home / "config.yaml").write_text("seeed: 1\n")

    result = afterclose_process(command, home=home, PREFECT_API_URL="http://127.0.0.1:9/api")

    assert result.returncode == 2
    assert "seeed" in result.stderr
