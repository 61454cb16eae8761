"""The stages, on a panel that the test hands over in the place of the lake."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

import tasks.selection.task as stages
import tasks.selection.week.week as weeks
from tasks.core.artifacts import load_frame, save_frame
from tasks.core.errors import SafetyError
from tasks.data.schema.records import Market, SnapshotRef
from tasks.features.compute import compute_last
from tasks.features.labels import forward_return
from tasks.features.sets import SETS
from tasks.models.registry.champion import parse
from tasks.models.registry.store import read_challenger, read_production, read_versions
from tasks.models.task import score_universe
from tasks.selection.schema import LiveDay
from tasks.selection.week import examination
from tests.builders import FRIDAY, make_panel, make_run
from tests.champions import NET

SMALL = {
    "models.train_sessions": 120,
    "models.min_train_sessions": 60,
    "models.test_sessions": 40,
    "models.folds": 2,
    "selection.finalists": 0,  # there is no lake to walk portfolios on
    "selection.optimizers": [],
    "models.quick_candidates": ["momentum_52_week", "lightgbm"],
}


def market_of(home, session):
    snapshot = SnapshotRef("5" * 64, home / "data" / "lake", session, {})
    return Market(snapshot, "test", 0, 0, (), (), 30, (), (), ())


def trending_panel(*, last):
    """Return a market whose volatile names trend and whose calm ones revert: two features together foretell more."""
    panel = make_panel(sessions=460, symbols=30, last=last)
    is_volatile = np.arange(30) % 2 == 0
    returns = np.random.default_rng(3).normal(0, 1, (460, 30)) * np.where(is_volatile, 0.02, 0.005)
    for row in range(5, 460):
        returns[row] += 0.17 * np.where(is_volatile, 1, -1) * returns[row - 5 : row].sum(axis=0)
    close = 50 * np.exp(np.cumsum(returns, axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return replace(panel, open=opened, high=high, low=low, close=close, raw_close=close)


@pytest.fixture
def week(tmp_path, monkeypatch):
    """Return a function that runs the week and, for the day after, the scoring."""

    def run_week(session=FRIDAY, *, net=NET, panel=None, quick=True, live=(), **overrides):
        panel = panel or trending_panel(last=session)
        monkeypatch.setattr(weeks, "read_panel", lambda *_, **__: panel)
        monkeypatch.setattr(weeks, "read_market", lambda *_: None)
        monkeypatch.setattr(examination, "walk_selected", lambda *_, **__: net)
        run = make_run(tmp_path, session, **SMALL | overrides)
        training = stages.train_candidates(run, market_of(tmp_path, session), live, quick=quick)
        return run, panel, stages.promote_champion(run, training)

    return run_week


def written(home):
    folders = (home.production, home.reports)
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def score(run, panel):
    matrix = compute_last(panel, SETS[run.settings.models.features])
    frame = pd.DataFrame(
        matrix.of_session(-1),
        index=pd.Index(panel.symbols, name="symbol", dtype="str"),
        columns=list(matrix.names),
    )
    return score_universe(run, save_frame(run, "features", frame))


def test_a_week_without_signal_ends_with_the_baseline_and_a_report_that_says_why(week):
    run, _panel, promotion = week(**{"models.min_t_statistic": 99.0})

    assert promotion.promoted
    assert promotion.champion.name == "equal_weight"
    assert "baseline is used" in promotion.reason
    assert promotion.reason in promotion.report.read_text()
    assert (run.home.reports / "model_selection" / "training_comparison.csv").exists()


def test_every_feature_is_looked_over_whoever_wins(week):
    run, _panel, promotion = week(**{"models.min_t_statistic": 99.0})

    checks = pd.read_csv(run.home.reports / "model_selection" / "feature_checks.csv")

    assert checks["feature"].tolist() == list(read_production(run.home).metadata.features)
    assert checks["importance"].isna().all()
    assert f"{len(checks)} features. Dead: " in promotion.report.read_text()
    assert "## Features of equal_weight" in promotion.report.read_text()


def test_the_importance_that_is_reported_is_the_candidates_own(week):
    run, _panel, promotion = week(
        **{
            "models.min_t_statistic": -99.0,
            "models.min_deflated_sharpe": 0.0,
            "models.quick_candidates": ["lightgbm"],
            "models.max_train_test_gap": 1.0,
            "selection.stop_on_leak": False,  # this market is as predictable as one with a leak
        }
    )

    checks = pd.read_csv(run.home.reports / "model_selection" / "feature_checks.csv")

    assert promotion.champion.name == "lightgbm"
    assert checks["importance"].sum() == pytest.approx(1, abs=1e-4)
    first = checks.set_index("importance_rank")["feature"][1]
    section = promotion.report.read_text().partition("by mean |SHAP|")[2]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    assert rows[1].startswith(f"| {first} |")


def test_a_champion_that_was_promoted_scores_the_session(week):
    run, panel, promotion = week(
        **{
            "models.min_t_statistic": -99.0,
            "models.min_deflated_sharpe": 0.0,
            "models.quick_candidates": ["lightgbm"],
            "models.max_train_test_gap": 1.0,
            "selection.stop_on_leak": False,  # this market is as predictable as one with a leak
        }
    )

    scores = score(run, panel)

    assert scores.champion == promotion.champion
    frame = load_frame(scores.frame)
    assert frame.index.tolist() == panel.symbols.tolist()
    assert scores.scored + scores.left_out == 30


def test_the_gates_and_the_portfolio_after_costs_are_reported_and_stored(week):
    run, _, promotion = week(**champion_settings())

    text = promotion.report.read_text()
    gates = text.partition("## Gates")[2].partition("##")[0]
    assert "For best_feature, the candidate selected on the selection folds." in gates
    assert "| Sharpe ratio above that of equal weight, after costs | 1.20 | > 0.60 | passed |" in gates
    assert "| monthly turnover | 35.0% | ≤ 40.0% | met (not required) |" in gates
    assert "| total return | 40.0% | 20.0% |" in text
    champion = read_production(run.home).metadata.champion
    assert champion.weighted_score == NET.candidate.score
    assert champion.metrics["net_sharpe"] == 1.2
    assert (champion.metrics["equal_weight_sharpe"], champion.metrics["spa_p_value"]) == (0.6, 0.03)


def test_a_candidate_that_does_not_beat_equal_weight_after_costs_is_not_promoted(week):
    worse = replace(NET, candidate=replace(NET.candidate, sharpe=0.59))

    run, _, promotion = week(net=worse, **champion_settings())

    assert promotion.champion.name == "equal_weight"
    assert read_production(run.home).metadata.champion.metrics["neutral_ic"] == 0
    assert "equal weight, after costs: 0.59 (required: > 0.60)" in promotion.reason
    assert "after costs | 0.59 | > 0.60 | **failed** |" in promotion.report.read_text()
    assert promotion.challenger.name == "best_feature"


def test_the_thresholds_stop_a_candidate_where_they_are_enforced(week):
    _, _, promotion = week(
        net=replace(NET, candidate=replace(NET.candidate, turnover_month=0.41)),
        **champion_settings(**{"selection.enforced_thresholds": ["turnover"]}),
    )

    assert promotion.champion.name == "equal_weight"
    assert "monthly turnover: 41.0% (required: ≤ 40.0%)" in promotion.reason


@pytest.mark.parametrize(  # correlation with the return that is tested
    "strength", [pytest.param(1.0, marks=pytest.mark.slice), 0.3]
)
def test_fault_104_a_candidate_that_knows_the_future_is_not_promoted_and_the_feature_is_named(
    week, monkeypatch, strength
):
    names = {"models.quick_candidates": ["lightgbm"], "selection.stop_on_leak": True}
    settings = champion_settings(**names)
    read = weeks.stored_features

    def leaking(folder, panel, snapshot, names):
        matrix = read(folder, panel, snapshot, names)
        future = pd.DataFrame(vars(forward_return(panel, sessions=5, entry="next_open"))["values"])
        noise = np.random.default_rng(1).normal(0, np.nanstd(future), future.shape)
        leak = strength * future + np.sqrt(1 - strength**2) * noise
        values = np.array(vars(matrix)["values"])
        values[names.index("momentum_1m")] = leak.rank(axis=1, pct=True).to_numpy()[-values.shape[1] :]
        return replace(matrix, values=values)

    monkeypatch.setattr(weeks, "stored_features", leaking)
    _, _, stopped = week(panel=make_panel(sessions=460, symbols=30), **settings)

    assert stopped.champion.name == "equal_weight"
    assert "possible look-ahead: momentum_1m (required: none)" in stopped.reason
    assert "| possible look-ahead | momentum_1m | none | **failed** |" in stopped.report.read_text()


def test_a_candidate_that_is_found_weeks_after_the_first_look_must_be_clearer(week):
    settings = champion_settings(**{"selection.max_false_promotions": 0.10})
    rules = [{"models.quick_candidates": [name]} for name in ("momentum_52_week", "equal_weight")]

    days = (FRIDAY - timedelta(weeks=4), FRIDAY)
    texts = [
        week(day, **(settings | rule))[2].report.read_text() for day, rule in zip(days, rules, strict=True)
    ]

    assert "| neutral IC, the first look | t = " in texts[0]
    assert "| neutral IC, 19 sessions after the first look | t = " in texts[1]
    assert "in production already" not in texts[0]
    assert "in production already | t ≥ " in texts[1]  # best_feature, found in the first week


def test_a_champion_whose_live_scores_are_much_worse_than_promised_loses_its_place(week):
    _, _, before = week(FRIDAY - timedelta(weeks=4), **champion_settings())
    live = [
        LiveDay(FRIDAY - timedelta(days=40 - place), "best_feature", -0.2, 0.05, 0.01, 75)
        for place in range(30)
    ]

    run, _, lost = week(live=live, **champion_settings())
    state = written(run.home)
    _, _, again = week(live=live, **champion_settings())

    assert before.champion.name == "best_feature"
    assert lost.champion.name == "equal_weight"
    assert "best_feature no longer earns its place: live neutral IC −0.2000 in 30 sessions" in lost.reason
    text = lost.report.read_text()
    assert "**It no longer earns its place.**" in text
    assert "| live record of best_feature (30 sessions) | −0.2000, at most " in text
    assert again == lost  # the champion of this week, the baseline, is not taken for the one that was judged
    assert written(run.home) == state


def test_the_placebo_runs_are_reported_stored_and_no_trials(week):
    rules = [{"name": name, "kind": name, "parameters": {}} for name in ("momentum_52_week", "best_feature")]
    settings = champion_settings(
        **{
            "models.candidates": rules,
            "selection.placebo_runs": 2,
            "selection.max_placebo_p_value": 0.34,
        }
    )

    run, _, promotion = week(quick=False, **settings)

    assert "exceeds 2 of 2 placebo runs (p-value 0.33)" in promotion.report.read_text()
    assert promotion.champion.metrics["trials"] == 2
    assert len(list(run.home.placebos.iterdir())) == 2
    _, _, quick = week(**settings)
    assert not quick.promoted  # a gate that cannot run has failed
    assert "p-value among the placebo runs: no runs" in quick.reason


def test_the_runner_up_is_stored_as_the_challenger_and_can_score(week):
    run, panel, promotion = week(
        **{
            "models.min_t_statistic": -99.0,
            "models.min_deflated_sharpe": 0.0,
            "models.max_train_test_gap": 1.0,
            "selection.stop_on_leak": False,  # this market is as predictable as one with a leak
        }
    )

    stored = read_challenger(run.home)

    assert stored.metadata.champion == promotion.challenger
    assert promotion.challenger.name != promotion.champion.name
    assert f"Challenger: {promotion.challenger.name}. It was the runner-up" in promotion.report.read_text()
    frame = pd.DataFrame(
        compute_last(panel, SETS[run.settings.models.features]).of_session(-1),
        columns=list(stored.metadata.features),
    )
    assert len(parse(stored).score(frame)) == 30


def test_a_past_week_leaves_the_challenger_alone(week):
    settings = {"models.min_t_statistic": -99.0, "models.max_train_test_gap": 1.0}
    run, _, _ = week(**settings)
    before = read_challenger(run.home)

    _, _, past = week(FRIDAY - timedelta(weeks=4), **settings)

    assert past.challenger is None
    assert read_challenger(run.home) == before


def test_a_week_run_again_changes_nothing(week):
    run, _, first = week()
    before = written(run.home)

    _, _, again = week()

    assert again == first
    assert written(run.home) == before


# issue 10, line 14
@pytest.mark.parametrize(
    "interrupted_at",
    [
        pytest.param("training_comparison.csv", marks=pytest.mark.slice),
        pytest.param("feature_checks.csv", marks=pytest.mark.slice),
        "model_selection_report.md",
    ],
)
def test_a_week_that_is_interrupted_while_it_reports_leaves_the_last_report_whole(
    week, monkeypatch, interrupted_at
):
    run, _, _ = week(FRIDAY - timedelta(days=7))
    before = {path: path.read_bytes() for path in run.home.reports.rglob("*") if path.is_file()}
    write = stages.write_text

    def interrupt(path, text):
        if path.name == interrupted_at:
            raise KeyboardInterrupt
        write(path, text)

    monkeypatch.setattr(stages, "write_text", interrupt)
    with pytest.raises(KeyboardInterrupt):
        week()

    assert {path: path.read_bytes() for path in run.home.reports.rglob("*") if path.is_file()} == before


def test_a_damaged_champion_is_replaced_and_the_report_says_so(week):
    run, panel, _ = week()
    (run.home.production / "champion_metadata.json").write_text("{}")

    _, _, repaired = week()

    assert repaired.promoted
    assert "The old champion could not be used" in repaired.report.read_text()
    assert score(run, panel).champion == repaired.champion


def test_a_past_week_is_kept_as_a_version_and_leaves_production_alone(week):
    run, _, present = week()

    _, _, past = week(FRIDAY - timedelta(weeks=4))

    assert not past.promoted
    assert read_production(run.home).metadata.champion == present.champion
    assert [stored.metadata.champion.selection_date for stored in read_versions(run.home)] == [
        FRIDAY,
        FRIDAY - timedelta(weeks=4),
    ]
    assert "retained for sessions from 2024-05-17 on" in past.reason


def champion_settings(**overrides):
    return {
        "models.min_t_statistic": -99.0,
        "models.min_deflated_sharpe": 0.0,
        "models.quick_candidates": ["momentum_52_week"],
        "models.max_train_test_gap": 1.0,
        "selection.stop_on_leak": False,
        "selection.max_false_promotions": 1.0,
    } | overrides


@pytest.mark.slice
def test_fault_142_the_same_week_run_again_counts_once_and_with_other_seeds_every_time(week):
    run, _, first = week(**champion_settings())
    ledger = run.home.trial_ledger.read_bytes()

    _, _, again = week(**champion_settings())

    assert run.home.trial_ledger.read_bytes() == ledger
    assert (first.champion.metrics["trials"], again.champion.metrics["trials"]) == (2, 2)
    found = [week(**champion_settings(seed=seed))[2].champion.metrics for seed in range(3)]
    assert [each["trials"] for each in found] == [4, 6, 8]


def test_the_report_and_the_metadata_give_the_trials(week):
    run, _, promotion = week(**champion_settings())

    text = promotion.report.read_text()
    assert "2 trials to date in this home, equivalent to" in text
    assert "; required: none |" in text
    metrics = read_production(run.home).metadata.champion.metrics
    assert 0 <= metrics["deflated_sharpe"] <= metrics["probabilistic_sharpe"] <= 1


def test_fault_141_a_broken_ledger_stops_the_week_before_anything_is_trained_and_again_before_it_promotes(
    week, monkeypatch
):
    run, _, _ = week(**champion_settings())
    before = written(run.home)
    intact = run.home.trial_ledger.read_bytes()
    run.home.trial_ledger.write_bytes(intact.replace(b"momentum", b"momentun", 1))

    monkeypatch.setattr(stages, "run_tests", None)
    with pytest.raises(SafetyError, match="line 2"):
        week(**champion_settings(seed=5))

    monkeypatch.undo()
    run.home.trial_ledger.write_bytes(intact)
    train = stages.train_candidates

    def train_and_touch(*args, **kwargs):
        training = train(*args, **kwargs)
        run.home.trial_ledger.write_bytes(intact)
        return training

    monkeypatch.setattr(stages, "train_candidates", train_and_touch)
    with pytest.raises(SafetyError, match="rows are missing"):
        week(**champion_settings(seed=5))
    assert written(run.home) == before
