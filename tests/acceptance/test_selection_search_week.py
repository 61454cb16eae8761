import os
import signal
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import active_children

import numpy as np
import optuna
import pytest

import tasks.selection.selection_run as selection
from config.sections import Candidate, SearchRange
from tasks.core.errors import StorageError
from tasks.models.training.fold_by_fold import fold_workers
from tasks.selection.search.run import MemoryStudies, clear_of
from tasks.selection.search.store import HomeStudies
from tasks.selection.search.study import best_parameters
from tasks.selection.selection_run import (
    configured_candidates,
    folds_of,
    label_sessions,
    rows_of,
    run_selection,
    split_folds,
)
from tests.builders import make_panel, make_settings
from tests.champions import MemoryLedger, features_of
from tests.unit.models.training.test_training_walkforward import folds_of as some_folds

pytestmark = pytest.mark.slice

TUNED = {
    "name": "xgboost_tuned",
    "kind": "xgboost",
    "parameters": {"rounds": 5},
    "search": {
        "max_depth": {"low": 1, "high": 4, "scale": "linear"},
        "eta": {"low": 0.05, "high": 0.5, "scale": "log"},
    },
}
SMALL = {
    "models.candidates": [TUNED, {"name": "equal_weight", "kind": "equal_weight", "parameters": {}}],
    "models.quick_candidates": ["equal_weight"],
    "models.train_sessions": 120,
    "models.min_train_sessions": 60,
    "models.test_sessions": 30,
    "models.folds": 6,
    "models.search.enabled": True,
    "models.search.trials": 8,
    "models.search.batch": 3,
}
SESSIONS = 600


def seed(name):
    return zlib.crc32(name.encode())


@cache
def market():
    return make_panel(sessions=SESSIONS, symbols=24)


def week(ledger, studies=None, *, panel=None, **overrides):
    panel = panel or market()
    settings = make_settings(**SMALL | overrides).models
    return run_selection(
        panel,
        features_of(panel, settings),
        settings,
        quick=False,
        seed=seed,
        ledger=ledger,
        studies=studies,
    )


def tried(ledger):
    """Return the trials of the search: parameters, seed, splits, and returns as bytes."""
    return [
        (trial.candidate.parameters, trial.seed, trial.splits, trial.returns.to_csv())
        for trial in ledger.trials
        if trial.candidate.name == "xgboost_tuned"
    ]


@pytest.fixture(scope="module")
def plain():
    """Return the ledger and result of an uninterrupted search."""
    ledger = MemoryLedger()
    return ledger, week(ledger)


class DistinctLedger(MemoryLedger):
    """Counts a trial once, as the ledger of a home does, and is interrupted before the trial number `stops_at`."""

    def __init__(self, stops_at=None):
        super().__init__()
        self.stops_at = stops_at

    def record(self, trial):
        if len(self.trials) == self.stops_at:
            self.stops_at = None
            raise KeyboardInterrupt
        mine = (trial.candidate, trial.seed, trial.splits)
        if mine not in [(each.candidate, each.seed, each.splits) for each in self.trials]:
            super().record(trial)


def test_every_trial_of_a_search_is_recorded_before_the_candidate_and_raises_the_count(plain):
    ledger, selected = plain

    names = [trial.candidate.name for trial in ledger.trials]
    assert names == ["xgboost_tuned"] * 9 + ["equal_weight", "best_feature"]
    assert selected.deflation.trials == 11
    searched, final = ledger.trials[:8], ledger.trials[8]
    assert final.candidate.parameters in [trial.candidate.parameters for trial in searched]
    assert {trial.candidate.parameters["rounds"] for trial in searched} == {5}
    assert all(not trial.candidate.search for trial in ledger.trials)
    assert len({trial.splits for trial in searched}) == 1
    assert searched[0].splits != final.splits


def test_returns_of_trials_end_before_the_confirmation_and_those_of_pruned_ones_with_their_last_fold(plain):
    ledger, _selected = plain
    settings = make_settings(**SMALL).models
    panel = market()
    folds = folds_of(panel, rows_of(panel, features_of(panel, settings), settings), settings)
    confirmation = panel.sessions[split_folds(folds)[1][0].test[0]]

    lengths = {len(trial.returns) for trial in ledger.trials[:8]}
    assert max(trial.returns.index[-1] for trial in ledger.trials[:8]) < confirmation
    assert len(ledger.trials[8].returns) > max(lengths) > min(lengths) > 15


def test_the_candidate_is_tested_with_the_best_parameters_of_the_search(plain):
    studies = MemoryStudies()
    selected = week(MemoryLedger(), studies)

    (trials,) = studies._trials.values()
    best = best_parameters(trials)
    assert len({trial.user_attrs["train_test_gap"] for trial in trials}) > 4
    tuned = next(result for result in selected.results if result.name == "xgboost_tuned")
    assert {"rounds": 5} | best == plain[0].trials[8].candidate.parameters
    assert tuned.kind == "xgboost"
    assert selected.candidates[0] == plain[0].trials[8].candidate


def test_prices_from_the_confirmation_on_change_no_trial(plain):
    settings = make_settings(**SMALL).models
    panel = make_panel(sessions=SESSIONS, symbols=24)
    folds = folds_of(panel, rows_of(panel, features_of(panel, settings), settings), settings)
    confirmation = split_folds(folds)[1][0].test[0]
    rng = np.random.default_rng(1)
    for prices in (panel.open, panel.high, panel.low, panel.close):
        prices[confirmation:] *= np.exp(rng.normal(0, 0.1, prices[confirmation:].shape))
    ledger = MemoryLedger()

    week(ledger, panel=panel)

    assert tried(ledger)[:8] == tried(plain[0])[:8]
    assert tried(ledger)[8] != tried(plain[0])[8]


@pytest.mark.parametrize(
    "stops_at", [4, *(pytest.param(number, marks=pytest.mark.slice) for number in (0, 2, 8, 9))]
)
def test_an_interrupted_search_continues_and_counts_nothing_twice(stops_at, plain, tmp_path):
    ledger, studies = DistinctLedger(stops_at), HomeStudies(tmp_path / "studies.db", "week")
    with pytest.raises(KeyboardInterrupt):
        week(ledger, studies)
    kept = sum(len(names) for names in [studies_of(tmp_path / "studies.db")])

    week(ledger, studies)

    assert tried(ledger) == tried(plain[0])
    assert kept == min(stops_at, 8) // 3 * 3 if stops_at < 8 else kept == 8


def studies_of(path):
    """Return the trials of the only study, as Optuna's own client reads them."""
    url = f"sqlite:///{path}"
    (name,) = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=name, storage=url).trials


class HalfStored(HomeStudies):
    """Is killed after the first trial of the second batch was stored."""

    def add(self, name, trials):
        super().add(name, trials[:1] if self.finished(name) else trials)
        if len(self.finished(name)) == 4:
            raise KeyboardInterrupt


def test_a_batch_of_which_a_part_was_stored_is_completed(plain, tmp_path):
    ledger = DistinctLedger()
    with pytest.raises(KeyboardInterrupt):
        week(ledger, HalfStored(tmp_path / "studies.db", "week"))

    week(ledger, HomeStudies(tmp_path / "studies.db", "week"))

    assert tried(ledger) == tried(plain[0])
    assert len(studies_of(tmp_path / "studies.db")) == 8


def test_a_finished_search_is_not_made_again_and_a_longer_one_continues(plain, tmp_path, monkeypatch):
    studies = HomeStudies(tmp_path / "studies.db", "week")
    week(MemoryLedger(), studies)
    again, longer = MemoryLedger(), MemoryLedger()

    week(again, studies)
    week(longer, studies, **{"models.search.trials": 10})

    assert tried(again) == tried(plain[0])[8:]
    assert [parameters for parameters, *_ in tried(longer)][:2] == [
        parameters for parameters, *_ in tried(plain[0])
    ][6:8]  # the incomplete batch is evaluated again
    assert len(studies_of(tmp_path / "studies.db")) == 10


def test_optunas_own_client_loads_the_study(plain, tmp_path):
    week(MemoryLedger(), HomeStudies(tmp_path / "a b" / "studies.db", "2024-06-14 0123"))

    url = f"sqlite:///{tmp_path / 'a b' / 'studies.db'}"
    (name,) = optuna.get_all_study_names(url)
    study = optuna.load_study(study_name=name, storage=url)
    assert name.startswith("2024-06-14 0123 xgboost_tuned ")
    assert {"rounds": 5} | best_parameters(study.trials) == plain[0].trials[8].candidate.parameters
    assert [{"rounds": 5} | trial.params for trial in study.trials] == [
        trial.candidate.parameters for trial in plain[0].trials[:8]
    ]


@pytest.mark.slice
@pytest.mark.parametrize("kills", [False, True])
def test_two_processes_give_the_same_week_even_if_one_is_killed(kills, plain, monkeypatch):
    killed = []

    @contextmanager
    def killing(*given):
        with fold_workers(*given) as run:

            def run_and_kill(work):
                for result in run(work):
                    if kills and len(killed) < 2 and len(work) > 2:
                        killed.append(active_children()[-1].pid)
                        with suppress(ProcessLookupError):
                            os.kill(killed[-1], signal.SIGKILL)
                    yield result

            yield run_and_kill

    monkeypatch.setattr(selection, "fold_workers", killing)
    ledger = MemoryLedger()

    selected = week(ledger, **{"models.processes": 2})

    assert tried(ledger) == tried(plain[0])
    assert selected.results == plain[1].results
    assert selected.fitted.model.dump() == plain[1].fitted.model.dump()
    assert len(killed) == 2 * kills


@pytest.mark.parametrize("number", [1, 7])
def test_trials_of_anybody_else_are_refused_because_they_are_not_in_the_ledger(number, tmp_path):
    path = tmp_path / "studies.db"
    week(MemoryLedger(), HomeStudies(path, "week"), **{"models.search.trials": number})
    url = f"sqlite:///{path}"
    (name,) = optuna.get_all_study_names(url)
    optuna.load_study(study_name=name, storage=url).add_trial(
        optuna.create_trial(
            params={"max_depth": 2, "eta": 0.1},
            distributions={
                "max_depth": optuna.distributions.IntDistribution(1, 4),
                "eta": optuna.distributions.FloatDistribution(0.05, 0.5, log=True),
            },
            value=99.0,
        )
    )
    ledger = MemoryLedger()

    with pytest.raises(StorageError, match="trials that this search did not make"):
        week(ledger, HomeStudies(path, "week"))

    assert ledger.trials == []


def test_another_seed_or_space_is_another_study():
    def named(**overrides):
        studies = MemoryStudies()
        week(MemoryLedger(), studies, **{"models.search.trials": 1} | overrides)
        return next(iter(studies._trials))

    other = TUNED | {"search": TUNED["search"] | {"eta": {"low": 0.05, "high": 0.4, "scale": "log"}}}
    names = [
        named(),
        named(**{"models.search.trials": 2}),
        named(**{"models.search.batch": 4}),
        named(**{"models.candidates": [other]}),
    ]

    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_by_default_nothing_is_searched_and_a_quick_week_never_searches():
    shipped = make_settings().models
    enabled = make_settings(**{"models.search.enabled": True}).models
    quick = make_settings(
        **{"models.search.enabled": True, "models.quick_candidates": ["xgboost_tuned", "equal_weight"]}
    ).models

    def names(settings, *, quick=False):
        return [each.name for each in configured_candidates(settings, quick=quick)]

    assert "xgboost_tuned" not in names(shipped)
    assert "xgboost_tuned" in names(enabled)
    assert names(quick, quick=True) == ["equal_weight", "best_feature"]
    assert shipped.search.trials == 100


def test_tested_sessions_whose_labels_reach_the_confirmation_are_left_out():
    folds = some_folds(400, folds=6)

    kept = clear_of(folds[:2], before=int(folds[2].test[0]), label_sessions=10)

    assert kept[0].test.tolist() == folds[0].test.tolist()
    assert kept[1].test.tolist() == folds[1].test[:-10].tolist()
    assert clear_of(folds[:1], before=int(folds[0].test[5]), label_sessions=10) == ()


@pytest.mark.parametrize(
    ("low", "high", "scale", "why"),
    [(2, 2, "linear", "below high"), (3.0, 2.0, "log", "below high"), (0, 5, "log", "above 0")],
)
def test_a_range_that_is_none_is_refused(low, high, scale, why):
    with pytest.raises(ValueError, match=why):
        SearchRange(low=low, high=high, scale=scale)


def test_the_shipped_space_fits_the_kind():
    tuned = next(each for each in make_settings().models.candidates if each.search)

    from tasks.models.kinds.xgboost_trees import XgboostTrees

    assert (tuned.name, tuned.kind) == ("xgboost_tuned", "xgboost")
    assert set(tuned.search) <= set(XgboostTrees.defaults)
    for name, value in XgboostTrees.defaults.items():
        assert tuned.search[name].low <= value <= tuned.search[name].high
    assert isinstance(tuned, Candidate)
    assert label_sessions(make_settings().models) == 10
