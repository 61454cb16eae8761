from types import SimpleNamespace

import numpy as np
import pytest

from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.inference import estimate
from tasks.selection.stability import draws
from tasks.selection.stability.draws import BLOCK_SESSIONS, draws_of, resampled
from tests.champions import make_result
from tests.unit.models.datasets import make_data


def ics(mean, seed=1, count=252):
    return np.random.default_rng(seed).normal(mean, 1.0, count)


def test_a_clearly_better_learner_wins_every_draw():
    found = resampled({"weak": ics(0.0), "strong": ics(1.0, seed=2)}, overlap=5, seed=1)

    assert found == {"weak": 0, "strong": 1}


def test_of_near_equals_the_first_wins_as_in_the_choice():
    same = ics(0.3)

    found = resampled({"first": same, "second": same + 0.01}, overlap=5, seed=1)

    assert found["first"] == 1


def test_the_shares_sum_to_one_and_equal_seeds_give_equal_shares():
    centred = [ics(0.0, seed=seed) for seed in (1, 2)]
    given = {
        name: each - each.mean() + mean
        for name, each, mean in zip(("one", "two"), centred, (0.1, 0.2), strict=True)
    }

    found = [resampled(given, overlap=5, seed=4) for _ in range(2)]

    assert found[0] == found[1]
    assert sum(found[0].values()) == pytest.approx(1)
    assert 0 < found[0]["one"] < 1


def test_one_learner_or_a_short_history_is_not_resampled():
    assert resampled({"one": ics(0.1)}, overlap=5, seed=1) == {}
    assert resampled({"one": ics(0.1, count=41), "two": ics(0, count=41)}, overlap=5, seed=1) == {}
    assert resampled({}, overlap=5, seed=1) == {}


def test_a_draw_has_as_many_sessions_as_the_folds_in_blocks_that_begin_at_any_session(monkeypatch):
    """Each IC is the number of its session: 50, in two blocks of 21 and one of 8."""
    drawn = []

    def watched(values, *, overlap):
        drawn.append((values, overlap))
        return estimate(values, overlap=overlap)

    monkeypatch.setattr(draws, "estimate", watched)
    resampled({"one": np.arange(50.0), "two": np.arange(50.0)}, overlap=5, seed=1)

    values = np.array([each for each, _ in drawn])
    assert values.shape == (400, 50)
    assert (np.diff(values[:, :21]) == 1).all()
    assert (np.diff(values[:, 42:]) == 1).all()
    assert set(values[:, ::21].ravel()) == set(range(50 - BLOCK_SESSIONS + 1))
    assert {overlap for _, overlap in drawn} == {5}


def run_of(*results):
    """Return a run with the results, whose scores are neutral ICs: in the first of three folds the later are better."""
    walks = {
        each.name: [
            SimpleNamespace(fold=None, scores=ics(mean, seed=10 * place + fold, count=63))
            for fold, mean in enumerate((0.1 * place, 9, 9))
        ]
        for place, each in enumerate(results)
    }
    tested = SimpleNamespace(overlap=5, neutral_ics=lambda scores, rows: scores[rows])
    return SimpleNamespace(results=results, walks=walks, tested=tested)


def test_the_eligible_learners_are_drawn_on_the_selection_folds_with_their_overlap():
    one, two = make_result("one"), make_result("two")
    negative, rule = make_result("negative", choice_ic=-0.01), make_result("rule", learns=False)
    run = run_of(one, two, negative, rule)

    found = draws_of(run, one, seed=1)

    own = {name: run.walks[name][0].scores for name in ("one", "two")}
    assert found == resampled(own, overlap=5, seed=1) != resampled(own, overlap=1, seed=1)
    assert 0 < found["one"] < 1
    assert draws_of(run, rule, seed=1) == draws_of(run, None, seed=1) == {}


def test_the_neutral_ic_is_the_mean_of_the_sessions():
    data = make_data(np.arange(60), names=12)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    scores, rows = np.random.default_rng(3).normal(size=240), slice(120, 360)

    each = tested.neutral_ics(scores, rows)

    assert len(each) == 20
    assert each.mean() == pytest.approx(tested.measure(scores, rows).neutral_ic)
