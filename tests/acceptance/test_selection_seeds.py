"""Other seeds and earlier weeks next to the week's selection: they are shown, stored, and change nothing (issue 14)."""

from datetime import timedelta

import pytest

import tasks.selection.task as stages
import tasks.selection.week.week as weeks
from tasks.core.errors import StorageError
from tasks.selection.choice import best_on_selection_folds
from tasks.selection.selection_run import limits_of, run_selection
from tasks.selection.stability import seeds
from tasks.selection.stability.statement import stability_section
from tasks.selection.trials.history import MemoryLedger
from tasks.selection.trials.ledger import read_contents
from tasks.selection.week import examination
from tasks.selection.week.week import seed_of
from tests.acceptance.test_selection_search import SEARCHED, evidence
from tests.acceptance.test_selection_task import SMALL, champion_settings, market_of, trending_panel
from tests.builders import FRIDAY, make_run
from tests.champions import NET, features_of

CANDIDATES = [
    {"name": "forest", "kind": "random_forest", "parameters": {"n_estimators": 5}},
    {"name": "lightgbm", "kind": "lightgbm", "parameters": {"rounds": 5}},
    {"name": "momentum_52_week", "kind": "momentum_52_week", "parameters": {}},
]
SETTINGS = champion_settings() | {"models.candidates": CANDIDATES, "models.quick_candidates": ["lightgbm"]}


@pytest.fixture
def week(monkeypatch):
    """Return a function that runs a week in a home and returns training, promotion and home."""

    def run_week(home, session=FRIDAY, *, quick=False, **overrides):
        panel = trending_panel(last=session)
        monkeypatch.setattr(weeks, "read_panel", lambda *_, **__: panel)
        monkeypatch.setattr(weeks, "read_market", lambda *_: None)
        monkeypatch.setattr(examination, "walk_selected", lambda *_, **__: NET)
        run = make_run(home, session, **SMALL | SETTINGS | overrides)
        training = stages.train_candidates(run, market_of(home, session), quick=quick)
        return training, stages.promote_champion(run, training), run.home

    return run_week


@pytest.fixture
def walked(monkeypatch):
    """Return the candidates that are tested under other seeds, as they are."""
    tested, walk = [], seeds.walk_forward

    def spy(candidate, folds, run, *, seed):
        tested.append((candidate, len(folds), seed))
        return walk(candidate, folds, run, seed=seed)

    monkeypatch.setattr(seeds, "walk_forward", spy)
    return tested


def stored(home):
    return {path.name: path.read_bytes() for path in home.seeds.iterdir()}


def test_another_seed_selects_what_a_run_with_that_seed_would(week, tmp_path):
    training, promotion, _ = week(tmp_path)

    (found,) = training.stability.seeds

    other = make_run(tmp_path, **SMALL | SETTINGS | {"seed": found.seed})
    panel = trending_panel(last=FRIDAY)
    settings = other.settings.models
    results = run_selection(
        panel,
        features_of(panel, settings),
        settings,
        quick=False,
        seed=seed_of(other),
        ledger=MemoryLedger(),
    ).results
    best = best_on_selection_folds(results, limits_of(settings))
    own = next(each for each in training.results if each.name == best.name)
    assert found.candidate == best.name
    assert (found.t, found.neutral_ic) == (best.choice["neutral_ic_t"], best.choice["neutral_ic"])
    assert (found.own_t, found.own_neutral_ic) == (own.choice["neutral_ic_t"], own.choice["neutral_ic"])
    assert found.t != found.own_t
    text = promotion.report.read_text().partition("## Stability of the choice")[2]
    assert f"| seed {found.seed} | {best.name} |" in text
    assert " of 1 other seed" in text


def test_only_kinds_that_use_a_seed_are_tested_again_and_only_on_the_selection_folds(week, tmp_path, walked):
    week(tmp_path, **{"selection.other_seeds": 2})

    assert [each.name for each, _, _ in walked] == ["forest", "lightgbm"] * 2
    assert {folds for _, folds, _ in walked} == {1}  # of two
    assert len({seed for _, _, seed in walked}) == 4


def test_other_seeds_change_neither_the_champion_nor_the_trials(week, tmp_path):
    homes = [week(tmp_path / str(count), **{"selection.other_seeds": count})[2] for count in (0, 1)]

    assert evidence(homes[0]) == evidence(homes[1])
    assert not homes[0].seeds.exists()
    assert (
        "`selection.other_seeds` is 0"
        in (homes[0].reports / "model_selection" / "model_selection_report.md").read_text()
    )


@pytest.mark.slice
def test_two_processes_leave_the_same_report_and_results(week, tmp_path):
    results = []
    for processes in (1, 2):
        training, promotion, home = week(tmp_path / str(processes), **{"models.processes": processes})
        results.append((training.stability, promotion.report.read_bytes(), stored(home)))

    assert results[0] == results[1]


def test_an_interrupted_week_continues_with_the_candidate_that_is_missing(
    week, tmp_path, walked, monkeypatch
):
    keep = seeds.keep_result

    def interrupt(*result):
        keep(*result)
        raise KeyboardInterrupt

    monkeypatch.setattr(seeds, "keep_result", interrupt)
    with pytest.raises(KeyboardInterrupt):
        week(tmp_path / "home")
    monkeypatch.setattr(seeds, "keep_result", keep)
    again, _, home = week(tmp_path / "home")
    assert [each.name for each, _, _ in walked] == ["forest", "lightgbm"]

    plain, _, other = week(tmp_path / "other")

    assert again.stability == plain.stability
    assert (evidence(home), stored(home)) == (evidence(other), stored(other))


@pytest.mark.parametrize(("old", "new"), [("metrics", "metric"), ('"neutral_ic_t":', '"neutral_ic_t":9')])
def test_a_damaged_result_is_an_error(week, tmp_path, old, new):
    _, _, home = week(tmp_path)
    place = min(home.seeds.iterdir())
    place.write_text(place.read_text().replace(old, new, 1))

    with pytest.raises(StorageError, match="is damaged"):
        week(tmp_path)


def test_a_result_under_the_name_of_another_is_an_error(week, tmp_path):
    _, _, home = week(tmp_path)
    first, second = sorted(home.seeds.iterdir())
    first.write_bytes(second.read_bytes())

    with pytest.raises(StorageError, match="is damaged"):
        week(tmp_path)


def test_a_search_is_not_repeated_and_its_parameters_are_used(week, tmp_path, walked):
    _, promotion, home = week(tmp_path, **SEARCHED)

    ((candidate, _, _),) = walked
    assert candidate.name == "xgboost_tuned"
    assert candidate.search == {}
    assert "eta" in candidate.parameters
    tuned = {each.parameters for each in read_contents(home).entries if each.candidate == "xgboost_tuned"}
    assert promotion.champion.metrics["trials"] == read_contents(home).count
    assert len(tuned) == 5


def test_a_quick_week_is_compared_with_nothing_and_recorded_as_no_week(week, tmp_path, walked):
    training, promotion, home = week(tmp_path, quick=True)

    assert walked == []
    assert (training.stability.weeks, training.stability.seeds) == ((), ())
    assert "A quick run is compared neither" in promotion.report.read_text()
    assert read_contents(home).selected == ()


def test_earlier_weeks_are_counted_once_each_and_a_week_run_again_adds_no_row(week, tmp_path):
    settings = {"selection.other_seeds": 0}
    days = [FRIDAY - timedelta(weeks=number) for number in (2, 1, 0)]
    found = [week(tmp_path, day, **settings) for day in days]
    training, promotion, home = found[-1]
    rows, report = home.trial_ledger.read_bytes(), promotion.report.read_bytes()

    week(tmp_path, **settings)

    names = [each.examined for each, _, _ in found]
    assert found[0][0].stability.weeks == ()
    assert "No earlier week is recorded." in "\n".join(stability_section(found[0][0].stability))
    assert [(each.session, each.candidate) for each in training.stability.weeks] == [
        (days[1], names[1]),
        (days[0], names[0]),
    ]
    same = sum(name == names[2] for name in names[:2])
    assert f"{same} of 2 earlier weeks" in report.decode()
    assert home.trial_ledger.read_bytes() == rows
    assert promotion.report.read_bytes() == report
    assert len(read_contents(home).selected) == 3
