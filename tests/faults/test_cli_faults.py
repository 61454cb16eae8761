"""Invalid input at the command line: its exit code, one paragraph, and nothing changed."""

import json

import pytest

from flows.cli.app import answer
from tests.homes import afterclose, blank, tree_bytes


@pytest.mark.parametrize("command", ["daily", "weekly", "refresh"])
@pytest.mark.parametrize("day", ["2999-01-04", "../../x"])
def test_fault_096_a_date_that_cannot_be_run_is_a_usage_error(tmp_path, command, day):
    home = blank(tmp_path / "home")
    before = tree_bytes(home)

    result = afterclose(command, "--date", day, "--json", home=home)

    assert result.returncode == 2
    assert json.loads(result.stdout)["exit_code"] == 2
    assert day in result.stderr
    assert tree_bytes(home) == before


def test_fault_047_the_command_names_the_limit_and_touches_nothing(tmp_path):
    blank(tmp_path)
    (tmp_path / "config.yaml").write_text("safety: {max_trade_frac: .nan}\n")
    before = tree_bytes(tmp_path)

    result = afterclose("daily", home=tmp_path)

    assert result.returncode == 2
    assert "config.yaml: safety.max_trade_frac: must be a number from 0 to 1, not nan." in result.stderr
    assert tree_bytes(tmp_path) == before


def test_fault_113_the_command_refuses_hostile_settings(tmp_path):
    blank(tmp_path)
    before = tree_bytes(tmp_path)
    (tmp_path / "config.yaml").write_text("a: !!python/object/apply:os.mkdir [pwned]\n")

    result = afterclose("daily", home=tmp_path)

    assert result.returncode == 2
    assert "tags (tag:yaml.org,2002:python/object/apply:os.mkdir) are not allowed" in result.stderr
    assert tree_bytes(tmp_path).keys() == before.keys() | {"config.yaml"}


@pytest.mark.parametrize("profile", ["../../etc/passwd", "..", "CON", "prudent\u202e", "\x1b[2J", "a/b"])
def test_fault_112_a_profile_is_a_known_name_or_nothing(tmp_path, profile):
    result = afterclose("config", "show", "--profile", profile, home=blank(tmp_path))

    assert result.returncode == 2
    assert "is not one of institutional, prudent, standard" in result.stderr
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


def test_fault_112_a_home_with_odd_characters_is_shown_harmless(tmp_path):
    home = tmp_path / "a \u202e home\x1b[31m"
    blank(home)

    result = afterclose("doctor", home=home)

    assert result.returncode == 0
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_fault_109_a_misplaced_secret_is_not_repeated(tmp_path):
    result = afterclose("daily", "--json", "--debug", home=blank(tmp_path), AFTERCLOSE_ALPACA_KEY="hush-hush")

    assert result.returncode == 2
    assert "AFTERCLOSE_ALPACA_KEY: is not a setting." in result.stderr
    assert "hush-hush" not in result.stdout + result.stderr


# issue 10, line 13
@pytest.mark.parametrize(
    "words",
    [
        "daily",
        "weekly --quick",
        "refresh",
        "config show",
        "data status",
        "data verify",
        "data backup",
        "data vacuum",
        "regime history",
        "champion show",
        "champion history",
        "champion rollback --by A --reason B",
        "backtest",
        "kill-switch trip --by A --reason B",
    ],
)
def test_a_mistyped_home_is_refused_by_every_command_and_never_made(tmp_path, capsys, words):
    typo = tmp_path / "bok"

    assert answer([*words.split(), "--home", str(typo)]) == 2

    assert f"Create it with `afterclose init {typo}`" in capsys.readouterr().err
    assert not typo.exists()
