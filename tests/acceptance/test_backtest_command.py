"""The command `backtest` in a home with a small simulated market."""

import json
import re

import pytest
import yaml

from tasks.backtest.session_decision import SessionDecision
from tests.homes import SMALL_MARKET, afterclose, configure, copy_of, make_backtest_home

LAST = "2023-06-15"
EARLIER = "2023-03-15"
COMMAND = ("backtest", "--model", "momentum_52_week", "--optimizer", "min_volatility", "--json")


@pytest.fixture(scope="module")
def home(backtest_home_template, tmp_path_factory):
    return copy_of(backtest_home_template, tmp_path_factory.mktemp("backtest") / "home")


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
    trials = json.loads(afterclose("trials", "--json", home=home).stdout)["entries"]

    assert [(each["run"], each["candidate"]) for each in trials] == [("backtest", "momentum_52_week")]  # Z8
    assert json.loads(trials[0]["parameters"])["optimizer"] == "min_volatility"
    assert not json.loads(again.stdout)["fresh"]
    assert json.loads(again.stdout)["figures"] == said["figures"]


def test_a_second_run_says_that_nothing_was_computed(home, first):
    words = [word for word in COMMAND if word != "--json"]

    assert "already computed, shown from the stored files" in afterclose(*words, home=home).stdout


def test_without_a_model_the_first_candidate_is_used_and_named(home, first, tmp_path):
    other = copy_of(home, tmp_path / "home")
    only = {"name": "momentum_52_week", "kind": "momentum_52_week", "parameters": {}}
    models = {**SMALL_MARKET["models"], "candidates": [only], "quick_candidates": ["momentum_52_week"]}
    settings = yaml.safe_load((other / "config.yaml").read_text())
    (other / "config.yaml").write_text(
        yaml.safe_dump({**settings, "models": {**settings["models"], **models}})
    )
    words = ["backtest", "--optimizer", "min_volatility"]
    said = "Without --model, the first of models.candidates is used: momentum_52_week."

    default = afterclose(*words, "--json", home=other)
    assert json.loads(default.stdout)["model_by_default"] == said
    assert said in afterclose(*words, home=other).stdout
    assert json.loads(first.stdout)["model_by_default"] is None


def test_an_interrupted_backtest_leaves_no_directory(home, first, monkeypatch):
    before = sorted((home / "reports" / "backtests").iterdir())

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(SessionDecision, "decide", interrupt)
    ended = afterclose(*COMMAND, "--cadence", "5", home=home)

    assert ended.returncode == 130
    assert sorted((home / "reports" / "backtests").iterdir()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "oracle"), "No candidate is named 'oracle'"),
        (("--model", "xgboost_tuned"), "xgboost_tuned has no fixed parameters"),
        (("--optimizer", "magic"), "No optimizer is named 'magic'"),
        (("--fill", "close"), "'close' is not a valid value of --fill"),
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


def test_a_backtest_starts_with_the_positions_of_a_file_and_counts_halts(home, first, tmp_path):
    said = json.loads(first.stdout)
    start = said["combination"]["first"]
    bought = (
        (home / "reports" / "backtests" / said["id"] / "trades.csv").read_text().splitlines()[1].split(",")
    )
    symbol = bought[1].partition("~")[2]
    file = tmp_path / "positions.csv"
    file.write_text(f"symbol,shares\n{symbol},100\nCASH,50000\n")

    ended = afterclose(*COMMAND, "--positions", str(file), "--halts", "stay_out", home=home)

    assert ended.returncode == 0, ended.stderr
    started = json.loads(ended.stdout)
    assert started["id"] != said["id"]
    assert started["combination"]["first"] == start
    assert started["combination"]["after_halt"] == "stay_out"
    assert set(started["halts"]) == {"daily_loss", "sharpe_ratio", "volatility", "sessions"}
    equity = (home / "reports" / "backtests" / started["id"] / "equity.csv").read_text().splitlines()
    header, row = equity[0].split(","), equity[1].split(",")
    opening = dict(zip(header, row, strict=True))
    assert opening["cash_usd"] == "50000.00"
    assert float(opening["positions_usd"]) > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--halts", "panic"), "'panic' is not a valid value of --halts"),
        (("--costs", "inf"), "--costs"),
        (("--costs", "1e308"), "--costs"),
        (("--positions", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("--positions", "live"), "No day on or after .* was published by this release"),
        (("--positions", "live", "--matrix"), "A matrix always starts with cash only"),
    ],
)
def test_a_start_that_is_not_known_is_a_usage_error(home, first, words, said):
    ended = afterclose("backtest", "--model", "momentum_52_week", *words, home=home)

    assert ended.returncode == 2
    assert re.search(said, " ".join(ended.stderr.split()))


def test_a_live_start_on_the_last_session_is_a_usage_error(home, first, tmp_path):
    decided = {"basis": "", "optimizer": "hrp", "ranks": True, "reductions_only": False, "data": ""}
    numbers = {"score_to_return": "0x0.0p+0", "volatility_pct": "0x1.0p+4"}
    signals = {"decided_from": decided | numbers, "scores": {}, "regime": {"state": "BULL"}}
    place = copy_of(home, tmp_path / "home")
    day = place / "live" / LAST
    day.mkdir(parents=True)
    (day / "signals.json").write_text(json.dumps(signals))
    (day / "trades.csv").write_text("symbol,side,shares,price,commission_est,slippage_est\n")
    (day / "portfolio_weights.csv").write_text("symbol,weight,shares,price\nCASH,1,1000000,1\n")

    ended = afterclose(*COMMAND, "--positions", "live", home=place)

    assert ended.returncode == 2
    assert f"The first published day is {LAST}" in ended.stderr


def test_a_positions_file_that_cannot_be_parsed_is_a_usage_error_before_any_score(home, tmp_path):
    file = tmp_path / "positions.csv"
    file.write_text("symbol,shares\nAAA,10\n")

    ended = afterclose(*COMMAND, "--positions", str(file), home=home)

    assert ended.returncode == 2
    assert "without a CASH row" in ended.stderr
    assert "Scores of" not in ended.stderr
    assert "positions import" not in ended.stderr


@pytest.mark.slice
# issue 13, done when 4
def test_a_backtest_to_a_session_has_the_bytes_of_one_in_a_lake_that_ends_there(home, first, tmp_path):
    def published(place):
        ended = afterclose(*COMMAND, "--to", EARLIER, home=place)
        assert ended.returncode == 0, ended.stderr
        folder = place / "reports" / "backtests" / json.loads(ended.stdout)["id"]
        files = {
            file.name: file.read_bytes().replace(folder.name.encode(), b"ID") for file in folder.iterdir()
        }
        manifest = json.loads(files.pop("manifest.json"))
        return files, manifest["figures"], manifest["basis"]

    assert published(home) == published(make_backtest_home(tmp_path / "ends there", EARLIER))
