"""Errors on the command line: one paragraph, one JSON document, the right exit code."""

import json

import pytest

from flows import commands
from flows.cli.app import answer
from tasks.core.errors import (
    AftercloseError,
    BrokerError,
    ConfigError,
    DataError,
    ModelError,
    SafetyError,
    StorageError,
    TransientError,
)
from tests.homes import blank

CODES = {
    ConfigError: 2,
    SafetyError: 3,
    DataError: 5,
    ModelError: 6,
    BrokerError: 7,
    StorageError: 1,
    TransientError: 75,
}


def let_daily_raise(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(commands, "run_daily", fail)


@pytest.mark.parametrize("kind", CODES)
def test_every_error_has_its_exit_code_and_one_paragraph(monkeypatch, capsys, kind):
    let_daily_raise(monkeypatch, kind("It broke.", remedy="Fix it."))

    assert answer(["daily"]) == CODES[kind]

    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"afterclose: It broke. Fix it. (docs/runbooks.md#{kind.runbook})\n"


def test_with_json_a_failure_is_one_document_too(monkeypatch, capsys):
    let_daily_raise(monkeypatch, DataError("Too few bars.", remedy="Wait.", symbols=("A", "B"), present=0.5))

    assert answer(["daily", "--json"]) == 5

    document = json.loads(capsys.readouterr().out)
    assert document["error"] == "Too few bars. Wait. (docs/runbooks.md#data)"
    assert document["exit_code"] == 5
    assert document["fields"] == {"symbols": ["A", "B"], "present": 0.5}


def test_nan_and_infinity_do_not_make_the_document_invalid(monkeypatch, capsys):
    let_daily_raise(monkeypatch, DataError("Odd.", remedy="Look.", value=float("nan"), values=[float("inf")]))

    answer(["daily", "--json"])

    assert json.loads(capsys.readouterr().out)["fields"] == {"value": "nan", "values": ["inf"]}


def test_an_unexpected_error_is_named_without_a_traceback(monkeypatch, capsys):
    let_daily_raise(monkeypatch, ZeroDivisionError("division by zero"))

    assert answer(["daily"]) == 1

    err = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in err
    assert "run again with --debug" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), AftercloseError("x", remedy="y")])
def test_debug_shows_the_traceback(monkeypatch, capsys, error):
    let_daily_raise(monkeypatch, error)

    answer(["daily", "--debug"])

    assert "Traceback" in capsys.readouterr().err


def test_an_interrupted_day_says_what_was_published_and_that_it_was_interrupted(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("AFTERCLOSE_HOME", str(tmp_path))
    let_daily_raise(monkeypatch, KeyboardInterrupt())

    assert answer(["daily"]) == 130

    assert capsys.readouterr().err.splitlines() == [
        f"Nothing was published: {tmp_path} is not an Afterclose home.",
        "afterclose: Interrupted. What was published before is intact; run the same command again.",
    ]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["dayly"], "No such command 'dayly'. Did you mean 'daily'? See `afterclose --help`."),
        (["daily", "--dat", "x"], "See `afterclose daily --help`."),
        (
            ["kill-switch", "trip", "--by", "me"],
            "Missing option '--reason'. See `afterclose kill-switch trip --help`.",
        ),
        (["daily", "--home"], "requires an argument"),
        (["demo", "--symbols", "few"], "should be a valid integer"),
    ],
)
def test_a_usage_error_is_exit_2_and_points_to_help(capsys, arguments, hint):
    assert answer(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert hint in err


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_a_help_page_that_is_printed_is_not_pointed_to(capsys, arguments):
    assert answer(arguments) == 2

    out, err = capsys.readouterr()
    assert "Usage: afterclose" in out + err
    assert "afterclose: See" not in out + err


def test_a_usage_error_is_a_document_with_json(capsys):
    assert answer(["--json", "dayly"]) == 2

    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 2
    assert "No such command" in document["error"]


def test_an_unknown_profile_is_reported_with_the_known_ones(tmp_path, capsys):
    assert answer(["config", "show", "--home", str(blank(tmp_path)), "--profile", "prudend"]) == 2

    assert "institutional, prudent, standard" in capsys.readouterr().err


def test_a_home_that_cannot_be_opened_is_reported(tmp_path, capsys):
    (tmp_path / "file").touch()

    assert answer(["daily", "--home", str(tmp_path / "file")]) == 2

    assert "is not a directory" in capsys.readouterr().err
