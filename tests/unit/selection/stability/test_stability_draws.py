import numpy as np
import pytest

from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.selection.stability.draws import resampled
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


def test_the_neutral_ic_is_the_mean_of_the_sessions():
    data = make_data(np.arange(60), names=12)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    scores, rows = np.random.default_rng(3).normal(size=240), slice(120, 360)

    each = tested.neutral_ics(scores, rows)

    assert len(each) == 20
    assert each.mean() == pytest.approx(tested.measure(scores, rows).neutral_ic)
