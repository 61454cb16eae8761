"""The options of every command, before or after its name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli.app import answer, hoist_global_options
from tests.homes import blank

GLOBALS = [["--home", "/h"], ["--profile=prudent"], ["--json"], ["-v"], ["--debug"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--home", "H", "daily", "--date", "D", "--json"],
        ["daily", "--home", "H", "--date", "D", "--json"],
        ["daily", "--date", "D", "--home", "H", "--json"],
    ],
)
def test_global_options_are_moved_to_the_front(arguments):
    assert hoist_global_options(arguments) == ["--home", "H", "--json", "daily", "--date", "D"]


def test_nothing_after_two_dashes_is_moved():
    assert hoist_global_options(["data", "import", "--", "--json", "--home"]) == [
        "data",
        "import",
        "--",
        "--json",
        "--home",
    ]


@pytest.mark.parametrize(
    "command",
    [[], ["init"], ["daily"], ["weekly"], ["data", "restore"], ["positions", "import"]],
)
def test_the_help_of_a_flag_shows_no_value(command, capsys):
    assert answer([*command, "--help"]) == 0

    shown = [line for line in capsys.readouterr().out.splitlines() if "<bool>" in line]
    assert [line for line in shown if "--help" not in line and "-completion" not in line] == []


def test_a_value_is_not_taken_for_an_option():
    assert hoist_global_options(["daily", "--home", "--json"]) == ["--home", "--json", "daily"]


@given(st.lists(st.sampled_from(["daily", "--date", "2024-06-14", "--quick", "x=1"])), st.data())
def test_hoisting_keeps_the_order_of_the_rest(rest, data):
    mixed = list(rest)
    for words in GLOBALS:
        place = data.draw(st.integers(0, len(mixed)))
        while place and mixed[place - 1] == "--home":
            place -= 1
        mixed[place:place] = words

    ordered = hoist_global_options(mixed)

    assert ordered[len(ordered) - len(rest) :] == rest
    assert sorted(ordered) == sorted(mixed)
    assert hoist_global_options(ordered) == ordered


@pytest.mark.parametrize("place", [0, 1, 2])
def test_home_and_profile_work_before_between_and_after(tmp_path, capsys, place):
    words = ["config", "show"]
    words[place:place] = ["--home", str(blank(tmp_path)), "--profile", "institutional", "--json"]

    assert answer(words) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["home"] == str(tmp_path)
    assert shown["settings"]["portfolio.max_position_frac"] == {
        "value": 0.02,
        "from": "profiles/institutional.yaml",
    }
