"""A matrix in a home with a small simulated market: published, interrupted, killed, continued."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tasks.backtest.matrix import run
from tasks.backtest.session_decision import SessionDecision
from tests.homes import afterclose, clean_environ, copy_of

MODELS = ("--model", "momentum_52_week", "--model", "equal_weight")
MATRIX = ("backtest", "--matrix", *MODELS, "--optimizer", "hrp", "--optimizer", "score_weighted")
COMMAND = (*MATRIX, "--cadence", "5", "--processes", "1", "--json")
IN_PAIRS = """
from tasks.backtest.matrix import run
run.LARGEST_GROUP = 2
from flows.start import main
main()
"""
FILES = (
    *("backtest_comparison_matrix.csv", "backtest_detailed_results.json", "equity_curves.png"),
    *("regime_performance_breakdown.csv", "equity_curves.csv", "report.html", "manifest.json"),
)


@pytest.fixture(scope="module")
def home(backtest_home_template, tmp_path_factory):
    return copy_of(backtest_home_template, tmp_path_factory.mktemp("matrix") / "home")


@pytest.fixture
def fresh(home, tmp_path):
    """Return a copy of the home without any backtest."""
    place = tmp_path / "home"
    shutil.copytree(home, place, ignore=shutil.ignore_patterns("backtests"))
    return place


@pytest.fixture(scope="module")
def first(home):
    ended = afterclose(*COMMAND, home=home)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def published(home: Path, identity: str) -> dict[str, bytes]:
    folder = home / "reports" / "backtests" / identity
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_matrix_is_published_with_its_files(home, first):
    files = published(home, first["id"])
    matrix = pd.read_csv(home / "reports" / "backtests" / first["id"] / FILES[0])

    assert set(files) == set(FILES)
    assert first["computed"] == len(matrix) == 8
    assert (matrix["outcome"] == "measured").all()
    assert not matrix.isna().any().any()
    assert matrix["regime_adaptation"].tolist() == ["on", "off"] * 4
    assert b"Simulated market" in files["report.html"]


def test_a_second_run_computes_nothing(home, first, monkeypatch):
    monkeypatch.setattr(SessionDecision, "decide", None)

    again = json.loads(afterclose(*COMMAND, home=home).stdout)

    assert not again["fresh"]
    assert (again["id"], again["computed"]) == (first["id"], 0)
    assert again["best"] == first["best"]


def test_a_larger_matrix_computes_what_is_new_alone(home, first):
    words = [word for word in COMMAND if word != "--json"]

    ended = afterclose(*words, "--optimizer", "inverse_volatility", home=home)

    assert "12 combinations" in ended.stdout
    assert "8 already computed" in ended.stdout


@pytest.mark.slice
def test_two_processes_publish_the_same_bytes(fresh, home, first):
    ended = afterclose(*(word if word != "1" else "2" for word in COMMAND), home=fresh)

    assert json.loads(ended.stdout)["computed"] == 8
    assert published(fresh, first["id"]) == published(home, first["id"])


@pytest.mark.slice
def test_a_killed_run_is_continued_and_ends_with_the_same_bytes(fresh, home, first):
    finished = fresh / "data" / "backtests"
    words = [sys.executable, "-c", IN_PAIRS, "--home", str(fresh), *COMMAND]
    started = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environ(fresh, {})
    )
    while not list(finished.glob("*.json")) and started.poll() is None:
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    kept = {path.name: path.stat().st_mtime_ns for path in finished.glob("*.json")}

    ended = afterclose(*COMMAND, home=fresh)

    assert 0 < len(kept) < 8
    assert json.loads(ended.stdout)["computed"] == 8 - len(kept)
    assert {name: (finished / name).stat().st_mtime_ns for name in kept} == kept
    assert published(fresh, first["id"]) == published(home, first["id"])
    assert not list(finished.glob(".*"))


def test_an_interrupt_keeps_what_is_finished(fresh, home, first, monkeypatch):
    decide, decided = SessionDecision.decide, []
    matrix = pd.read_csv(home / "reports" / "backtests" / first["id"] / FILES[0])
    of_one_model = matrix["decisions"].sum() / 2

    def interrupt(self, row, account, **given):
        if len(decided) > 1.1 * of_one_model:
            raise KeyboardInterrupt
        decided.append(row)
        return decide(self, row, account, **given)

    monkeypatch.setattr(SessionDecision, "decide", interrupt)
    monkeypatch.setattr(run, "LARGEST_GROUP", 4)
    ended = afterclose(*COMMAND, home=fresh)

    assert ended.returncode == 130
    assert "4 of 8 combinations are finished. Run the same command again to resume." in ended.stderr
    assert len(list((fresh / "data" / "backtests").glob("*.json"))) == 4
    assert not (fresh / "reports" / "backtests").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "oracle"), "No candidate is named 'oracle'"),
        (("--model", "xgboost_tuned"), "xgboost_tuned has no fixed parameters"),
        (("--optimizer", "magic"), "No optimizer is named 'magic'"),
        (("--regime", "maybe"), "Choose on, off or both"),
        (("--to", "2021-07-01"), "have scores"),
        (("--processes", "0"), "greater than or equal to 1"),
        (("--costs", "-1"), "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_a_matrix_is_a_usage_error(home, first, words, said):
    ended = afterclose(*MATRIX, *words, home=home)

    assert ended.returncode == 2
    assert said in ended.stderr


def test_free_trading_costs_nothing(home, first):
    ended = afterclose(*COMMAND, "--costs", "0", home=home)

    place = home / "reports" / "backtests" / json.loads(ended.stdout)["id"]
    assert (pd.read_csv(place / FILES[0])["cost_frac"] == 0).all()
