"""What an interrupted `daily` leaves to do."""

from datetime import UTC, datetime

import pytest

from flows.cli.app import answer
from flows.operations.homes.new_home import create_home
from tests.approval_days import clock_at

FRIDAY_EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)


def interrupted(*arguments, **options):
    raise KeyboardInterrupt


@pytest.fixture
def home(tmp_path, monkeypatch):
    create_home(tmp_path / "home", simulated=True)
    monkeypatch.setattr("flows.commands.run_daily", interrupted)
    return tmp_path / "home"


@pytest.mark.parametrize("day", [[], ["--date", "due"], ["--date", "2024-06-14"]])
def test_the_session_that_is_not_published_is_named_with_its_command(home, capsys, day):
    with clock_at(FRIDAY_EVENING):
        code = answer(["daily", "--home", str(home), *day])

    assert code == 130
    again = f"2024-06-14 is not published. Run it again: `afterclose daily --home {home} --date 2024-06-14`."
    assert again in capsys.readouterr().err.splitlines()


def test_a_session_that_was_published_before_is_not_asked_for_again(home, capsys):
    (home / "live" / "2024-06-14").mkdir(parents=True)
    (home / "live" / "2024-06-14" / "manifest.json").touch()

    with clock_at(FRIDAY_EVENING):
        code = answer(["daily", "--home", str(home)])

    assert code == 130
    assert "2024-06-14 is published." in capsys.readouterr().err.splitlines()


def test_without_a_session_to_name_it_states_the_reason(home, capsys):
    assert answer(["daily", "--home", str(home), "--date", "yesterday"]) == 130
    assert "Nothing was published: 'yesterday' is not a valid date." in capsys.readouterr().err.splitlines()
