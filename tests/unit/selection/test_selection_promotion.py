"""A champion's reported figures come from folds that did not choose it; a past week never replaces a later one."""

from dataclasses import asdict, replace
from datetime import timedelta
from math import nan

import numpy as np
import pytest

from config.sections import Candidate
from tasks.core.homes.home import Home
from tasks.models.kinds.registry import KINDS
from tasks.models.registry.store import (
    promote_version,
    read_challenger,
    read_production,
    read_versions,
    write_version,
)
from tasks.models.schema import Baseline
from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import FoldResult
from tasks.models.training.metrics import metrics_of
from tasks.models.training.walkforward import split_folds
from tasks.selection.promotion import (
    BOUNDS,
    REPORTED,
    challenger_of,
    describe,
    install,
    install_challenger,
    why_not_in_production,
)
from tasks.selection.replacement import decide_promotion
from tasks.selection.schema import Choice, LiveVerdict, Rival, RunnerUp
from tasks.selection.selection_run import summary
from tasks.selection.trials.statement import trial_figures
from tests.champions import (
    DEFLATION,
    FRIDAY,
    LIMITS,
    NET,
    STATISTIC,
    make_metrics,
    make_result,
    make_training,
    put_into_production,
)
from tests.unit.models.datasets import make_data
from tests.unit.models.training.test_training_walkforward import folds_of

NAMES = 12
LEARNER = Candidate(name="lightgbm", kind="lightgbm", parameters={})
RULE = Candidate(name="momentum_52_week", kind="momentum_52_week", parameters={})
WEEK = timedelta(days=7)
ROWS = Baseline(("rank",), ((0.5,),), ((0.4, 0.6),), (1.0,), (0.1,), 21, 252)


def distinct(start):
    """Return figures of which no two are equal, so that each can be traced to where it came from."""
    return make_metrics(**{name: start + place / 100 for place, name in enumerate(make_metrics())})


def traceable():
    return replace(
        make_result("momentum_52_week", kind="momentum_52_week"),
        choice=distinct(0.1),
        confirmation=distinct(0.3),
        overall=distinct(0.5),
        train_test_gap=0.042,
    )


def test_the_figures_that_are_reported_are_those_of_the_confirming_folds(tmp_path):
    result = traceable()

    champion = describe(make_training(tmp_path, result=result), optimizer="hrp", min_t=2.0).champion

    low, high = (
        result.confirmation["neutral_ic"] + by * result.confirmation["neutral_ic_se"] for by in (-1.96, 1.96)
    )
    assert champion.metrics == {name: result.confirmation[name] for name in REPORTED} | {
        "neutral_ic_low": pytest.approx(low),
        "neutral_ic_high": pytest.approx(high),
        "detectable_ic": pytest.approx(2 * result.confirmation["neutral_ic_se"]),
        "train_test_gap": 0.042,
        **trial_figures(DEFLATION),
    }
    assert champion.weighted_score == 0  # no portfolio was walked
    assert champion.statistic == STATISTIC


def test_the_weighted_score_and_the_net_figures_are_those_of_the_portfolio_after_costs(tmp_path):
    training = replace(make_training(tmp_path), net=replace(NET, p_value=nan))

    champion = describe(training, optimizer="hrp", min_t=2.0).champion

    assert champion.weighted_score == NET.candidate.score
    assert (champion.metrics["net_sharpe"], champion.metrics["net_sessions"]) == (1.2, 520)
    assert "spa_p_value" not in champion.metrics  # a figure that is withheld is not stored
    baseline = describe(replace(training, choice=Choice(None, "")), optimizer="hrp", min_t=2.0).champion
    assert baseline.weighted_score == 0
    assert "net_sharpe" not in baseline.metrics


def test_a_baseline_that_nobody_measured_is_reported_without_skill(tmp_path):
    training = replace(make_training(tmp_path, confirmed=False), deflation=replace(DEFLATION, evidence=None))

    champion = describe(training, optimizer="hrp", min_t=2.0).champion

    assert champion.weighted_score == 0
    unmeasured = dict.fromkeys((*REPORTED, *BOUNDS, "train_test_gap"), 0.0) | {"hit_rate": 0.5}
    assert champion.metrics == unmeasured | {"trials": 5.0, "effective_trials": 3.2}
    assert champion.statistic is None


def test_a_champion_is_described_by_its_training(tmp_path):
    training = replace(make_training(tmp_path, seed=11), baseline=ROWS)

    metadata = describe(training, optimizer="hrp", min_t=2.0)

    champion = metadata.champion
    assert (champion.name, champion.kind, champion.optimizer) == (
        "momentum_52_week",
        "momentum_52_week",
        "hrp",
    )
    assert (champion.selection_date, champion.trained_through) == (training.session, training.trained_through)
    assert (champion.model_sha256, champion.feature_set) == (training.model.sha256, training.feature_set)
    assert champion.selection_reason == training.choice.reason
    assert (metadata.features, metadata.seed, metadata.snapshot) == (
        training.features,
        11,
        training.snapshot,
    )
    assert (metadata.probe, metadata.baseline) == (training.probe, ROWS)


@pytest.fixture
def walk():
    """Five folds with different scores and gaps, and the rows they were tested on."""
    folds = folds_of(300, folds=5)
    data = make_data(np.arange(300), names=NAMES)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    rng = np.random.default_rng(5)
    results = []
    for fold in folds:
        rows = data.rows_of(fold.test)
        scores = rng.normal(size=len(fold.test) * NAMES)
        test = tested.measure(scores, rows)
        results.append(
            FoldResult(fold, scores, test, replace(test, hit_rate=test.hit_rate + fold.number / 100))
        )
    return tested, results


def measured(tested: OutOfSample, results):
    """Measure the folds' rows one by one, as a reader of the docs would."""
    data = tested.data
    rows = [np.flatnonzero(np.isin(data.sessions, result.fold.test)) for result in results]
    joined = np.concatenate(rows)
    scores = np.concatenate([result.scores for result in results])
    controls = make_controls(data.sessions[joined], None, {"beta": data.x[joined, 0]})
    measured = metrics_of(scores, data.forward[joined], data.sessions[joined], overlap=5, controls=controls)
    return asdict(measured)


def test_earlier_folds_choose_and_later_ones_confirm(walk):
    tested, results = walk

    found = summary(LEARNER, results, tested)

    assert found.choice == pytest.approx(measured(tested, results[:1]))
    assert found.confirmation == pytest.approx(measured(tested, results[1:]))
    assert found.overall == pytest.approx(measured(tested, results))
    assert found.choice["neutral_ic"] != found.confirmation["neutral_ic"]
    assert found.train_test_gap == pytest.approx(0.03)


def test_no_hit_rate_of_the_confirmation_folds_changes_what_chooses(walk):
    tested, results = walk
    better = [replace(each, train=replace(each.train, hit_rate=1.0)) for each in results[1:]]

    before, after = (summary(LEARNER, each, tested) for each in (results, [results[0], *better]))

    assert after.choice == before.choice
    assert after.train_test_gap > before.train_test_gap + 0.3


def test_what_happens_in_the_choosing_folds_changes_no_figure_that_is_reported(walk):
    tested, results = walk
    data = tested.data
    choosing, _ = split_folds(tuple(result.fold for result in results))
    touched = np.isin(data.sessions, np.concatenate([fold.test for fold in choosing]))
    other = replace(tested, data=replace(data, forward=np.where(touched, -data.forward, data.forward)))

    before, after = (summary(LEARNER, results, each) for each in (tested, other))

    assert after.confirmation == before.confirmation
    assert after.choice != before.choice


def test_what_does_not_learn_has_no_gap(walk):
    tested, results = walk

    found = summary(RULE, results, tested)

    assert found.train_test_gap == 0


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_week_run_again_is_recognised_and_keeps_its_reason(home, tmp_path):
    put_into_production(home, session=FRIDAY)
    training = make_training(tmp_path, session=FRIDAY)

    incumbent, decision = decide_promotion(training, home, LIMITS)

    assert decision.promote
    assert decision.reason == incumbent.selection_reason


@pytest.mark.parametrize(
    "change",
    [
        {"session": FRIDAY + WEEK},
        {"choice": Choice(None, "Another reason.")},
        {"optimizer": "hrp"},
    ],
)
def test_a_week_that_differs_is_judged_anew(home, tmp_path, change):
    put_into_production(home, session=FRIDAY)
    training = replace(make_training(tmp_path, session=FRIDAY), **change)

    incumbent, decision = decide_promotion(training, home, LIMITS)

    assert incumbent is not None
    assert decision.reason != incumbent.selection_reason


def test_without_a_champion_the_choice_is_promoted(home, tmp_path):
    incumbent, decision = decide_promotion(make_training(tmp_path), home, LIMITS)

    assert incumbent is None
    assert decision.promote
    assert decision.reason == "It was best. There was no champion to compare with."


def test_a_champion_of_other_features_is_not_a_rival_and_the_reason_says_so(home, tmp_path):
    put_into_production(home, "lightgbm", session=FRIDAY - WEEK)
    weaker = make_result("momentum_52_week", kind="momentum_52_week", ic=-1.0)
    training = replace(make_training(tmp_path, result=weaker), feature_set="e" * 64)

    incumbent, decision = decide_promotion(training, home, LIMITS)

    assert incumbent.name == "lightgbm"
    assert decision.promote
    assert "lightgbm was trained on a different feature set" in decision.reason


@pytest.mark.parametrize("trained_through", [FRIDAY - WEEK, FRIDAY])
def test_a_champion_with_a_better_record_stays(home, tmp_path, trained_through):
    put_into_production(home, "lightgbm", session=trained_through)
    weaker = make_result("momentum_52_week", kind="momentum_52_week", ic=-1.0)

    _, decision = decide_promotion(make_training(tmp_path, result=weaker), home, LIMITS)

    assert not decision.promote
    assert decision.reason.endswith("which stays.")


LOST = LiveVerdict("lightgbm", 40, -0.05, 0.01, 0.03)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_champion_that_no_longer_earns_its_place_is_replaced_by_the_weeks_choice(home, tmp_path, confirmed):
    put_into_production(home, "lightgbm", session=FRIDAY - WEEK)
    weaker = make_result("momentum_52_week", kind="momentum_52_week", ic=-1.0)
    training = replace(make_training(tmp_path, result=weaker, confirmed=confirmed), live=LOST)

    _, decision = decide_promotion(training, home, LIMITS)

    assert decision.promote
    assert decision.reason.endswith(
        "lightgbm no longer earns its place: live neutral IC −0.0500 in 40 sessions, at most 0.0100; 0.0300 was"
        " expected."
    )
    assert ("baseline is used" in decision.reason) is not confirmed


def test_a_champion_that_earns_its_place_or_is_not_the_one_that_was_judged_is_compared(home, tmp_path):
    put_into_production(home, "lightgbm", session=FRIDAY - WEEK)
    weaker = make_result("momentum_52_week", kind="momentum_52_week", ic=-1.0)
    training = make_training(tmp_path, result=weaker)

    for live in (replace(LOST, upper=0.03), replace(LOST, model="xgboost")):
        assert not decide_promotion(replace(training, live=live), home, LIMITS)[1].promote


def of_another_statistic(home):
    """Put a champion into production that was measured with other controls, and with a much better figure."""
    old = make_training(
        home.work / "made",
        kind="lightgbm",
        session=FRIDAY - WEEK,
        result=make_result("lightgbm", ic=0.9),
        statistic=replace(STATISTIC, controls=("beta",)),
    )
    metadata = describe(old, optimizer="hrp", min_t=2.0)
    promote_version(home, write_version(home, metadata, old.model.path.read_bytes()))
    return metadata.champion


def test_a_champion_of_another_statistic_is_not_a_rival_and_the_reason_says_so(home, tmp_path):
    champion = of_another_statistic(home)

    for rival in (None, Rival(champion.model_sha256, 20, None, {})):
        _, decision = decide_promotion(make_training(tmp_path, rival=rival), home, LIMITS)

        assert decision.promote
        assert decision.reason.startswith(
            "It was best. lightgbm was recorded with a different statistic and is not compared"
        )
        assert ("20 sessions after its training are too few" in decision.reason) == (rival is not None)


AGAIN = "measured again on 130 sessions after its training"


@pytest.mark.parametrize(
    ("theirs", "promoted", "reason"),
    [
        (0.01, True, f"It was best. It beats lightgbm: 0.0200 against 0.0100, {AGAIN}."),
        (
            0.03,
            False,
            f"momentum_52_week (0.0200) is not better than lightgbm (0.0300, {AGAIN}), which stays.",
        ),
    ],
)
def test_a_champion_that_was_measured_anew_is_compared_on_the_same_sessions(
    home, tmp_path, theirs, promoted, reason
):
    champion = of_another_statistic(home)
    rival = Rival(champion.model_sha256, 130, theirs, {"momentum_52_week": 0.02})

    _, decision = decide_promotion(make_training(tmp_path, rival=rival), home, LIMITS)

    assert (decision.promote, decision.reason) == (promoted, reason)


def test_figures_measured_of_another_model_are_not_the_champions(home, tmp_path):
    of_another_statistic(home)
    rival = Rival("0" * 64, 130, 0.03, {"momentum_52_week": 0.02})

    assert decide_promotion(make_training(tmp_path, rival=rival), home, LIMITS)[1].promote


def test_without_a_confirmed_candidate_a_champion_of_another_statistic_goes_on(home, tmp_path):
    of_another_statistic(home)

    _, decision = decide_promotion(make_training(tmp_path, confirmed=False), home, LIMITS)

    assert not decision.promote
    assert "lightgbm stays" in decision.reason


def test_a_champion_that_knows_later_prices_is_not_a_rival_and_is_not_replaced(home, tmp_path):
    put_into_production(home, "lightgbm", session=FRIDAY)
    weaker = make_result("momentum_52_week", kind="momentum_52_week", ic=-1.0)
    training = make_training(tmp_path, session=FRIDAY - WEEK, result=weaker)

    incumbent, decision = decide_promotion(training, home, LIMITS)
    goes_live = install(home, *described(training), incumbent)

    assert decision.promote
    assert not goes_live
    assert read_production(home).metadata.champion == incumbent
    assert training.session in {stored.metadata.champion.selection_date for stored in read_versions(home)}


@pytest.mark.parametrize("days", [0, 7])
def test_a_champion_as_old_or_older_is_replaced(home, tmp_path, days):
    put_into_production(home, "lightgbm", session=FRIDAY - timedelta(days=days))
    training = make_training(tmp_path)
    incumbent, _ = decide_promotion(training, home, LIMITS)

    assert install(home, *described(training), incumbent)

    assert read_production(home).metadata.champion.name == "momentum_52_week"


def test_the_first_champion_goes_live(home, tmp_path):
    assert install(home, *described(make_training(tmp_path)), None)

    assert read_production(home).metadata.champion.name == "momentum_52_week"


def test_a_past_week_says_what_it_is_kept_for(home):
    incumbent = put_into_production(home, session=FRIDAY).champion

    said = why_not_in_production(incumbent, FRIDAY - WEEK)

    assert said.startswith(
        "The champion of this week is retained for sessions from 2024-06-07 on; production stays with momentum_52_week"
    )
    assert said.endswith("prices up to 2024-06-14.")


def described(training):
    return describe(training, optimizer="hrp", min_t=2.0), training.model.path.read_bytes()


def test_a_learner_ranks_and_the_equal_weight_rule_does_not(tmp_path):
    training = make_training(tmp_path)
    alike = replace(training, candidate=Candidate(name="equal_weight", kind="equal_weight", parameters={}))

    assert describe(training, optimizer="hrp", min_t=2.0).champion.ranks is True
    assert describe(alike, optimizer="hrp", min_t=2.0).champion.ranks is False


def test_a_champion_is_stored_with_the_parameters_libraries_and_suffix_of_its_kind(tmp_path):
    training = make_training(tmp_path)
    learner = replace(training, candidate=Candidate(name="l", kind="lightgbm", parameters={"num_leaves": 7}))

    metadata = describe(learner, optimizer="hrp", min_t=2.0)

    assert metadata.parameters == {"num_leaves": 7}
    assert "lightgbm" in metadata.libraries
    assert metadata.suffix == KINDS["lightgbm"].suffix


def with_runner_up(tmp_path, **fields):
    """Return a training that has selected a rule, with lightgbm as its runner-up."""
    second = make_training(tmp_path / "second", kind="lightgbm", seed=8)
    runner_up = RunnerUp(second.candidate, second.results[0], second.model, second.seed, second.probe)
    return make_training(tmp_path / "first", **fields), runner_up, second


@pytest.mark.parametrize(("confirmed", "promoted"), [(True, True), (False, False), (False, True)])
def test_the_runner_up_becomes_the_challenger_of_what_is_in_production(tmp_path, confirmed, promoted):
    training, runner_up, second = with_runner_up(tmp_path, confirmed=confirmed)
    training = replace(training, baseline=ROWS)

    metadata = describe(
        challenger_of(replace(training, runner_up=runner_up, net=NET), promoted=promoted),
        optimizer="hrp",
        min_t=2.0,
    )

    champion = metadata.champion
    assert (champion.name, champion.kind, metadata.seed) == ("lightgbm", "lightgbm", 8)
    assert (champion.model_sha256, metadata.probe) == (second.model.sha256, second.probe)
    assert champion.selection_reason == "It was the runner-up on the selection folds (t = 3.00)."
    assert champion.metrics["neutral_ic"] == second.results[0].confirmation["neutral_ic"]
    # of the selected candidate are that evidence, that portfolio and those training rows
    assert not {"sharpe", "net_sharpe"} & champion.metrics.keys()
    assert metadata.baseline is None


def test_a_selected_candidate_that_the_incumbent_keeps_out_is_the_challenger(tmp_path):
    training, runner_up, _ = with_runner_up(tmp_path)
    training = replace(training, runner_up=runner_up)

    assert challenger_of(training, promoted=False) == training


def test_without_another_eligible_candidate_there_is_no_challenger(tmp_path):
    assert challenger_of(make_training(tmp_path), promoted=True) is None


def test_a_week_without_a_challenger_removes_that_of_an_earlier_week(home, tmp_path):
    metadata, model = described(make_training(tmp_path))
    install_challenger(home, (metadata, model))
    assert read_challenger(home).metadata == metadata

    install_challenger(home, None)

    assert read_challenger(home) is None


def test_a_champion_that_cannot_be_read_is_not_a_rival_and_the_reason_says_so(home, tmp_path):
    put_into_production(home, session=FRIDAY)
    next(home.production.glob("champion_model*")).write_bytes(b"damaged")

    incumbent, decision = decide_promotion(make_training(tmp_path), home, LIMITS)

    assert incumbent is None
    assert decision.promote
    assert "The old champion could not be used: " in decision.reason
