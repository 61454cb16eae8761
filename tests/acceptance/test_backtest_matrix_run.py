"""A matrix of small walks: what is shared, kept and left out changes no result."""

import numpy as np
import pytest

from tasks.backtest.combination import run_combination
from tasks.backtest.halts import Halts
from tasks.backtest.matrix import run
from tasks.backtest.matrix.run import ScoredCandidate, Terms, combinations_of, plan_matrix, run_plan
from tasks.backtest.scoring.stored_scores import StoredScores
from tasks.backtest.signals import RegimePath, signals_of
from tasks.core.errors import ConfigError, StorageError
from tasks.portfolio.optimizers import registry
from tasks.regime.exposure import Allowances, everything_allowed
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, world

NAMES = "ABCDEFGH"
SESSIONS, FIRST = 110, 80
SETTINGS = make_settings(**{"risk.window_sessions": 60, "portfolio.max_positions": 4})
OPTIMIZERS = ("hrp", "min_volatility")
TERMS = Terms(None, None, "next_open", 3)
ALLOWED = Allowances(
    np.full(SESSIONS, 0.1),
    np.ones(SESSIONS, dtype=bool),
    np.ones(SESSIONS),
    np.ones(SESSIONS),
    np.zeros(SESSIONS),
)
REGIME = RegimePath(np.full(SESSIONS, "BULL"), ALLOWED, np.full(SESSIONS, 15.0))


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(3)
    level = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (SESSIONS, len(NAMES))), axis=0))
    closes = {name: dict(enumerate(np.round(level[:, place], 2))) for place, name in enumerate(NAMES)}
    return world(closes, sessions=SESSIONS, volume=1e6)


def scored(name, seed, *, first=FIRST, kind="lightgbm"):
    values = np.random.default_rng(seed).normal(size=(SESSIONS, len(NAMES)))
    values[:first] = np.nan
    skill = {"neutral_ic": 0.05, "neutral_ic_t": 3.0, "sessions": 100}
    return ScoredCandidate(
        name, kind, StoredScores(f"scores-{name}", values, ({"first": str(DAYS[0]), "skill": skill},), True)
    )


CANDIDATES = (scored("one", 1), scored("two", 2))


def planned(market, folder, *, candidates=CANDIDATES, optimizers=OPTIMIZERS, terms=TERMS):
    combinations = combinations_of(market, candidates, optimizers, (True, False), terms)
    return plan_matrix(market, REGIME, candidates, combinations, SETTINGS, folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def finished(market, tmp_path_factory):
    """Return the outcomes of the whole matrix and the folder of their files."""
    folder = tmp_path_factory.mktemp("matrix")
    return run_plan(planned(market, folder)), folder


def test_every_combination_is_in_the_matrix_over_the_same_sessions(finished):
    outcomes, _ = finished

    keys = [
        (each.combination.model, each.combination.optimizer, each.combination.uses_regime)
        for each in outcomes
    ]
    assert keys == [(m, o, r) for m in ("one", "two") for o in OPTIMIZERS for r in (True, False)]
    assert {each.totals.sessions[0] for each in outcomes} == {DAYS[FIRST]}
    assert {len(each.totals.sessions) for each in outcomes} == {SESSIONS - FIRST}
    assert {sum(each.methods.values()) for each in outcomes} == {10}


def test_a_walk_that_shares_its_inputs_is_the_walk_alone(market, finished):
    for outcome in finished[0]:
        combination = outcome.combination
        candidate = next(each for each in CANDIDATES if each.name == combination.model)
        signals = signals_of(
            market,
            candidate.scores.values,
            candidate.scores.folds,
            ALLOWED if combination.uses_regime else everything_allowed(SESSIONS),
            kind=candidate.kind,
            optimizer=combination.optimizer,
            models=SETTINGS.models,
        )

        halts = Halts(market, SETTINGS, REGIME.volatility_pct, after=combination.after_halt)
        alone = run_combination(market, signals, SETTINGS, combination, halts).totals

        for name in ("equity", "invested", "bought", "sold", "costs"):
            assert getattr(alone, name).tolist() == getattr(outcome.totals, name).tolist()


def test_without_the_regime_more_is_invested(finished):
    exposure = {
        (each.combination.optimizer, each.combination.uses_regime): (
            each.totals.invested[-1] / each.totals.equity[-1]
        )
        for each in finished[0]
    }

    for optimizer in OPTIMIZERS:
        assert exposure[optimizer, True] < 0.11
        assert exposure[optimizer, False] > 0.2


@pytest.mark.slice
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_the_files_do_not_depend_on_grouping_order_or_processes(
    market, finished, tmp_path, processes, monkeypatch
):
    monkeypatch.setattr(run, "LARGEST_GROUP", 3)
    reversed_plan = planned(market, tmp_path, candidates=CANDIDATES[::-1], optimizers=OPTIMIZERS[::-1])

    run_plan(reversed_plan, processes=processes)

    assert contents(tmp_path) == contents(finished[1])


def test_what_is_finished_is_not_computed_again(market, finished, tmp_path, monkeypatch):
    for name, content in contents(finished[1]).items():
        (tmp_path / name).write_bytes(content)
    left_out = finished[0][2].id
    (tmp_path / f"{left_out}.json").unlink()
    walked, walk_together = [], run.walk_together

    def counted(group, report):
        walked.extend(group.combinations)
        walk_together(group, report)

    monkeypatch.setattr(run, "walk_together", counted)
    plan = planned(market, tmp_path)

    run_plan(plan)

    assert [identity for identity, _ in walked] == [left_out]
    assert plan.sessions_missing == SESSIONS - FIRST
    assert contents(tmp_path) == contents(finished[1])


def test_progress_adds_up_to_the_sessions_that_are_missing(market, tmp_path):
    plan, done = planned(market, tmp_path), []

    run_plan(plan, report=done.append)

    assert sum(done) == plan.sessions_missing == 8 * (SESSIONS - FIRST)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"sha256":"","record":{}}'])
def test_a_damaged_file_is_an_error_that_names_it(market, finished, tmp_path, damage):
    outcome = finished[0][0]
    (tmp_path / f"{outcome.id}.json").write_bytes(damage)

    with pytest.raises(StorageError, match=outcome.id):
        planned(market, tmp_path)


def test_a_changed_figure_in_a_file_is_an_error(market, finished, tmp_path):
    outcome = finished[0][0]
    name = f"{outcome.id}.json"
    changed = (finished[1] / name).read_bytes().replace(b'"schema_version":1', b'"schema_version":2')
    (tmp_path / name).write_bytes(changed)

    with pytest.raises(StorageError, match="damaged"):
        planned(market, tmp_path)


def test_the_failure_of_one_combination_is_an_outcome_with_its_reason(
    market, finished, tmp_path, monkeypatch
):
    def broken(problem):
        raise ZeroDivisionError("no weights today")

    monkeypatch.setattr(registry, "OPTIMIZERS", {**registry.OPTIMIZERS, "hrp": broken})

    outcomes = run_plan(planned(market, tmp_path))

    failed = [each for each in outcomes if each.totals is None]
    assert {each.combination.optimizer for each in failed} == {"hrp"}
    assert {each.reason for each in failed} == {"ZeroDivisionError: no weights today"}
    kept = {each.id: each.totals.equity.tolist() for each in finished[0]}
    assert all(kept[each.id] == each.totals.equity.tolist() for each in outcomes if each.totals is not None)


def test_a_full_disk_is_not_a_failure_of_a_combination(market, tmp_path, monkeypatch):
    def full(problem):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry, "OPTIMIZERS", {**registry.OPTIMIZERS, "hrp": full})

    with pytest.raises(OSError, match="No space"):
        run_plan(planned(market, tmp_path))


def test_a_model_without_scores_fails_alone(market, tmp_path):
    never = scored("never", 3, first=SESSIONS)

    outcomes = run_plan(planned(market, tmp_path, candidates=(never, CANDIDATES[0]), optimizers=("hrp",)))

    assert [bool(each.reason) for each in outcomes] == [True, True, False, False]
    assert "no out-of-sample scores" in outcomes[0].reason


def test_all_begin_with_the_model_whose_scores_begin_last(market, tmp_path):
    late = scored("late", 3, first=100)

    plan = planned(market, tmp_path, candidates=(CANDIDATES[0], late))

    assert {each.first for _, each in plan.named} == {DAYS[100].item()}


def test_dates_that_not_every_model_has_scores_in_are_a_usage_error(market, tmp_path):
    late = scored("late", 3, first=100)
    terms = Terms(None, DAYS[95].item(), "next_open", 1)

    with pytest.raises(ConfigError, match="scores"):
        planned(market, tmp_path, candidates=(CANDIDATES[0], late), terms=terms)
