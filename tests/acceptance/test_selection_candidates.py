import zlib

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from config.sections import Candidate
from tasks.core.errors import ConfigError
from tasks.models.kinds.registry import make_model
from tasks.models.training.fold_by_fold import fold_workers, walk_forward
from tasks.models.training.targets import TARGETS
from tasks.selection.selection_run import (
    BASELINE_CANDIDATE,
    folds_of,
    out_of_sample,
    rows_of,
    run_selection,
)
from tests.builders import drifting_panel, make_panel, make_settings
from tests.champions import FEATURES, MemoryLedger, features_of, make_rows

SMALL = {
    "models.train_sessions": 120,
    "models.min_train_sessions": 60,
    "models.test_sessions": 40,
    "models.folds": 3,
    "models.quick_candidates": ["momentum_52_week", "equal_weight"],
}


def seed(name):
    return zlib.crc32(name.encode())


def selection_on(panel, **overrides):
    settings = make_settings(**SMALL | overrides).models
    return run_selection(
        panel, features_of(panel, settings), settings, quick=True, seed=seed, ledger=MemoryLedger()
    )


def test_a_random_walk_leaves_the_baseline_in_charge():
    selected = selection_on(make_panel(sessions=560, symbols=30))

    assert selected.choice.result is None
    assert selected.candidate == BASELINE_CANDIDATE
    assert [result.name for result in selected.results] == [
        "momentum_52_week",
        "equal_weight",
        "best_feature",
    ]


def test_a_market_that_follows_its_highs_is_found_out():
    panel = make_panel(sessions=560, symbols=30)
    drift = np.linspace(-0.004, 0.004, 30)
    panel.close[:] *= np.exp(drift * np.arange(560)[:, None])
    panel.high[:] = panel.close

    selected = selection_on(panel)

    assert selected.choice.result.name == "momentum_52_week"
    assert selected.choice.result.confirmation["neutral_ic_t"] > 5
    assert selected.fitted.kind == "momentum_52_week"


def test_a_short_history_compares_nobody_and_says_so():
    selected = selection_on(make_panel(sessions=220, symbols=12))

    assert selected.results == ()
    assert selected.folds.empty
    assert "too short" in selected.choice.reason
    assert selected.fitted.kind == "equal_weight"


def test_a_panel_without_any_label_still_gives_the_baseline():
    assert selection_on(make_panel(sessions=15, symbols=12)).fitted.kind == "equal_weight"


def test_the_fold_table_has_a_row_for_each_candidate_and_fold():
    selected = selection_on(make_panel(sessions=560, symbols=30))

    assert selected.folds[["candidate", "fold"]].to_numpy().tolist() == [
        [name, fold] for name in ("momentum_52_week", "equal_weight", "best_feature") for fold in (1, 2, 3)
    ]


def threads_of_libraries():
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


@pytest.mark.parametrize("kind", ["lightgbm", pytest.param("quadratic_ridge", marks=pytest.mark.slice)])
def test_training_twice_gives_the_same_scores_whichever_fold_ends_first(kind):
    settings = make_settings(**SMALL).models
    panel = make_panel(sessions=560, symbols=30)
    features = features_of(panel, settings)
    data = rows_of(panel, features, settings)
    folds = folds_of(panel, data, settings)
    tested = out_of_sample(panel, features, folds, settings)
    candidate = next(each for each in settings.candidates if each.kind == kind)

    walks = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            before = threads_of_libraries()
            with fold_workers(data, tested, settings) as run:
                walks.append(walk_forward(candidate, folds, run, seed=1))
            assert before.items() <= threads_of_libraries().items()

    once, again = walks
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.slice
@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "random_forest", "quadratic_ridge"])
def test_two_processes_give_the_same_scores_as_this_one(kind):
    panel = make_panel(sessions=560, symbols=30)
    walks = []
    for processes in (1, 2):
        settings = make_settings(**SMALL | {"models.processes": processes}).models
        features = features_of(panel, settings)
        data = rows_of(panel, features, settings)
        folds = folds_of(panel, data, settings)
        tested = out_of_sample(panel, features, folds, settings)
        candidate = next(each for each in settings.candidates if each.kind == kind)
        with fold_workers(data, tested, settings) as run:
            walks.append(walk_forward(candidate, folds, run, seed=1))

    alone, spread = walks
    assert [one.test for one in alone] == [other.test for other in spread]
    for one, other in zip(alone, spread, strict=True):
        assert one.scores.tobytes() == other.scores.tobytes()


def test_a_refused_parameter_names_the_setting():
    for candidate in (
        Candidate(name="a", kind="lightgbm", parameters={"num_leaves": "many"}),
        Candidate(name="b", kind="xgboost", parameters={"eta": "slow"}),
        Candidate(name="c", kind="random_forest", parameters={"trees": 5}),
        Candidate(name="d", kind="random_forest", parameters={"max_depth": -1}),
    ):
        model = make_model(candidate.kind, FEATURES, candidate.parameters, seed=1)
        with pytest.raises(ConfigError, match=r"models\.candidates"):
            model.fit(make_rows(), np.linspace(0, 1, 600), np.ones(600))


def tried(panel, **overrides):
    ledger = MemoryLedger()
    settings = make_settings(**SMALL | overrides).models
    run_selection(panel, features_of(panel, settings), settings, quick=True, seed=seed, ledger=ledger)
    return ledger.trials


def test_every_candidate_is_recorded_with_its_out_of_sample_returns():
    trials = tried(make_panel(sessions=560, symbols=30))

    assert [trial.candidate.name for trial in trials] == ["momentum_52_week", "equal_weight", "best_feature"]
    assert [trial.seed for trial in trials] == [seed(trial.candidate.name) for trial in trials]
    assert len({trial.splits for trial in trials}) == 1
    momentum, equal_weight, _ = (trial.returns for trial in trials)
    assert len(momentum) >= 120
    assert momentum.std() > 0
    assert (equal_weight == 0).all()


def test_a_candidate_is_recorded_before_the_next_one_is_trained(monkeypatch):
    ledger = MemoryLedger()
    settings = make_settings(**SMALL).models
    panel = make_panel(sessions=560, symbols=30)

    def interrupted(candidate, *args, **kwargs):
        if candidate.name == "best_feature":
            raise KeyboardInterrupt
        return walk_forward(candidate, *args, **kwargs)

    monkeypatch.setattr("tasks.selection.selection_run.walk_forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_selection(panel, features_of(panel, settings), settings, quick=True, seed=seed, ledger=ledger)

    assert [trial.candidate.name for trial in ledger.trials] == ["momentum_52_week", "equal_weight"]


@pytest.mark.parametrize(("lost", "is_found"), [(0, True), (10**9, False)])
def test_a_find_that_luck_explains_is_not_chosen(lost, is_found):
    panel = make_panel(sessions=560, symbols=30)
    growth = np.exp(np.linspace(-0.002, 0.002, 30) * np.arange(560)[:, None])
    for prices in (panel.close, panel.open):
        prices[:] *= growth
    panel.high[:] = panel.close
    settings = make_settings(**SMALL).models
    ledger = MemoryLedger()
    ledger.lost = lost

    selected = run_selection(
        panel, features_of(panel, settings), settings, quick=True, seed=seed, ledger=ledger
    )

    assert selected.deflation.trials == lost + 3
    assert (selected.choice.result is not None) == is_found
    assert (selected.candidate == BASELINE_CANDIDATE) != is_found
    assert f"given {lost + 3:,} trials to date" in selected.choice.reason
    assert selected.choice.reason.endswith("models.min_deflated_sharpe is 0.95.") != is_found


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_learned_a_market_with_an_order_is_found_out(name):
    selected = selection_on(
        drifting_panel(),
        **{
            "models.target": name,
            "models.folds": 2,
            "models.min_t_statistic": 4.0,
            "models.max_train_test_gap": 1.0,
            "models.quick_candidates": ["lightgbm"],
        },
    )

    learner = next(result for result in selected.results if result.learns)
    assert learner.confirmation["neutral_ic"] > 0.2
    assert learner.confirmation["neutral_ic_t"] > 4.0
