"""The command `backtest` in a home with a small simulated market."""

import json

import pytest

from tasks.backtest.session_decision import SessionDecision
from tests.homes import SMALL_MARKET, afterclose, configure

LAST = "2023-06-15"
COMMAND = ("backtest", "--model", "momentum_52_week", "--optimizer", "min_volatility", "--json")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    simulated = {**SMALL_MARKET["data"]["simulated"], "symbols": 25, "first_session": "2021-06-01"}
    models = {**SMALL_MARKET["models"], "least_train_sessions": 126}
    settings = {"data": {"simulated": simulated}, "models": models}
    place = configure(tmp_path_factory.mktemp("backtest"), settings)
    assert afterclose("refresh", "--date", LAST, home=place).returncode == 0
    return place


@pytest.fixture(scope="module")
def first(home):
    return afterclose(*COMMAND, home=home)


def test_a_backtest_is_published_once(home, first):
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    folder = home / "reports" / "backtests" / said["id"]

    assert said["fresh"]
    assert said["combination"]["last"] == LAST
    assert said["figures"]["cagr"]["standing"] in {"full", "short"}
    assert json.loads((folder / "manifest.json").read_text())["identity"]["id"] == said["id"]
    page = (folder / "report.html").read_text()
    assert "<svg" in page
    assert "Simulated market" in page
    assert "<script" not in page

    again = afterclose(*COMMAND, home=home)

    assert not json.loads(again.stdout)["fresh"]
    assert json.loads(again.stdout)["figures"] == said["figures"]


def test_a_second_run_says_that_nothing_was_computed(home, first):
    words = [word for word in COMMAND if word != "--json"]

    assert "computed before, not computed again" in afterclose(*words, home=home).stdout


def test_an_interrupted_backtest_leaves_no_directory(home, first, monkeypatch):
    before = sorted((home / "reports" / "backtests").iterdir())

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(SessionDecision, "decide", interrupt)
    ended = afterclose(*COMMAND, "--cadence", "5", home=home)

    assert ended.returncode == 130
    assert sorted((home / "reports" / "backtests").iterdir()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "oracle"), "No candidate is named 'oracle'"),
        (("--optimizer", "magic"), "No optimizer is named 'magic'"),
        (("--fill", "close"), "'close' is not a price to fill at"),
        (("--to", "2021-07-01"), "have scores"),
        (("--from", "June"), "is not a valid date"),
    ],
)
def test_what_cannot_be_backtested_is_a_usage_error(home, first, words, said):
    ended = afterclose("backtest", "--model", "momentum_52_week", *words, home=home)

    assert ended.returncode == 2
    assert said in ended.stderr


def test_an_empty_lake_is_an_error(tmp_path):
    ended = afterclose(*COMMAND, home=configure(tmp_path / "home", SMALL_MARKET))

    assert ended.returncode == 5
    assert "lake is empty" in ended.stderr
