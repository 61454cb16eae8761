"""A week with a search, through its stages: files of the home are the same however it was run."""

import os
import signal
from multiprocessing import get_context

import pytest

import tasks.selection.task as stages
import tasks.selection.week.week as weeks
from tasks.selection.search.store import HomeStudies
from tasks.selection.trials.ledger import HomeLedger, read_contents
from tasks.selection.week import examination
from tests.acceptance.test_selection_task import SMALL, market_of, trending_panel, written
from tests.builders import FRIDAY, make_run
from tests.champions import NET

TUNED = {
    "name": "xgboost_tuned",
    "kind": "xgboost",
    "parameters": {"rounds": 5},
    "search": {"eta": {"low": 0.05, "high": 0.5, "scale": "log"}},
}
SEARCHED = SMALL | {
    "models.candidates": [TUNED, {"name": "momentum_52_week", "kind": "momentum_52_week", "parameters": {}}],
    "models.quick_candidates": ["momentum_52_week"],
    "models.search.enabled": True,
    "models.search.trials": 5,
    "models.search.batch": 2,
    "models.min_t_statistic": -99.0,
    "models.min_deflated_sharpe": 0.0,
    "models.max_train_test_gap": 1.0,
    "selection.stop_on_leak": False,  # this market is as predictable as one with a leak
}


def run_week(home, monkeypatch, **overrides):
    panel = trending_panel(last=FRIDAY)
    monkeypatch.setattr(weeks, "read_panel", lambda *_, **__: panel)
    monkeypatch.setattr(weeks, "read_market", lambda *_: None)
    monkeypatch.setattr(examination, "walk_selected", lambda *_, **__: NET)
    run = make_run(home, FRIDAY, **SEARCHED | overrides)
    return stages.promote_champion(
        run, stages.train_candidates(run, market_of(home, FRIDAY), quick=False)
    ), run.home


def evidence(home):
    """Return the champion's files and the rows of the trial ledger, which a week is measured by."""
    production = {
        path.relative_to(home.root): content
        for path, content in written(home).items()
        if path.is_relative_to(home.production)
    }
    return production, home.trial_ledger.read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return run_week(tmp_path_factory.mktemp("plain"), patch)


def test_every_trial_is_in_the_ledger_of_the_home_and_deflates_the_champion(plain):
    promotion, home = plain

    entries = read_contents(home).entries
    assert [entry.candidate for entry in entries].count("xgboost_tuned") >= 5
    assert {entry.kind for entry in entries if entry.candidate == "xgboost_tuned"} == {"xgboost"}
    assert promotion.champion.name == "xgboost_tuned"
    assert promotion.champion.metrics["trials"] == len(entries)
    assert home.studies.exists()


@pytest.mark.slice
def test_two_processes_leave_the_same_champion_and_ledger(plain, tmp_path, monkeypatch):
    _, home = run_week(tmp_path, monkeypatch, **{"models.processes": 2})

    assert evidence(home) == evidence(plain[1])


EDGES = {"recorded": (HomeLedger, "record"), "stored": (HomeStudies, "add")}


def killed_week(home, where, number):
    """Run the week and kill this process after a trial was recorded, or a batch stored, for the n-th time."""
    edge, calls = EDGES[where], []
    original = getattr(*edge)

    def call(*args):
        original(*args)
        calls.append(1)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*edge, call)
        run_week(home, patch)


@pytest.mark.slice
@pytest.mark.parametrize(
    ("where", "number"),
    [
        ("recorded", 3),
        pytest.param("stored", 2, marks=pytest.mark.slice),
        pytest.param("recorded", 6, marks=pytest.mark.slice),
    ],
)
def test_a_killed_week_run_again_leaves_the_same_champion_and_ledger(
    where, number, plain, tmp_path, monkeypatch
):
    process = get_context("spawn").Process(target=killed_week, args=(tmp_path, where, number))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    _, home = run_week(tmp_path, monkeypatch)

    assert evidence(home) == evidence(plain[1])
