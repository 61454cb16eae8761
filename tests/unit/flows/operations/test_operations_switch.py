"""The kill switch by hand."""

import json

import pytest

from flows.cli.app import answer
from tests.homes import blank


@pytest.fixture
def say(tmp_path, capsys):
    def run(*arguments):
        code = answer([*arguments, "--home", str(tmp_path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


BY_ANN = ("--by", "Ann", "--reason", "looks odd")


def test_a_directory_that_is_not_a_home_has_no_switch(say, tmp_path):
    code, document = say("kill-switch", "status")

    assert code == 2
    assert "is not an Afterclose home" in document["what"]
    assert list(tmp_path.iterdir()) == []


def test_a_home_whose_marker_is_damaged_can_be_halted(say, tmp_path):
    blank(tmp_path)
    (tmp_path / "data" / "home.json").write_text("{")

    assert say("kill-switch", "trip", *BY_ANN)[0] == 0


def test_tripping_names_who_and_why_and_resetting_ends_it(say, tmp_path):
    blank(tmp_path)
    assert say("kill-switch", "trip", *BY_ANN)[0] == 0
    tripped = say("kill-switch", "status")[1]
    assert "looks odd" in tripped["message"]
    assert (tripped["state"], tripped["since"]["by"], tripped["since"]["reason"]) == (
        "on",
        "Ann",
        "looks odd",
    )

    assert say("kill-switch", "reset", "--by", "Bea", "--reason", "was a test")[0] == 0
    assert say("kill-switch", "status")[1]["state"] == "clear"


def test_fault_043_a_damaged_switch_is_shown_as_on(say, tmp_path):
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "kill_switch.json").write_text("{")

    assert say("kill-switch", "status")[1]["state"] == "on"


def test_a_stop_file_is_shown_as_on(say, tmp_path):
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "STOP").touch()

    assert say("kill-switch", "status")[1]["state"] == "on"


@pytest.mark.parametrize("act", ["trip", "reset"])
def test_a_blank_name_is_refused(say, act):
    assert say("kill-switch", act, "--by", " ", "--reason", "why")[0] == 2


def test_a_missing_directory_is_refused(tmp_path, capsys):
    assert answer(["kill-switch", "trip", *BY_ANN, "--home", str(tmp_path / "typo")]) == 2

    assert "is not an Afterclose home" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_fault_112_a_hostile_reason_is_shown_harmless(tmp_path, capsys):
    blank(tmp_path)

    answer(["kill-switch", "trip", "--by", "A\x1b[2J", "--reason", "x\u202ey\nz", "--home", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("reason", [None, "looks odd."])
def test_a_reason_that_ends_with_a_full_stop_gets_no_second_one(say, tmp_path, reason):
    blank(tmp_path)
    if reason is None:
        (tmp_path / "live" / "STOP").touch()
    else:
        assert say("kill-switch", "trip", "--by", "Ann", "--reason", reason)[0] == 0

    code, document = say("kill-switch", "reset", "--trip", "9", *BY_ANN)

    assert code == 2
    assert ".." not in document["error"]
