import numpy as np
import pytest

from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.selection.schema import Stability
from tasks.selection.stability import stability_of, stability_section
from tests.unit.models.datasets import make_data


def ics(mean, seed=1, count=252):
    return np.random.default_rng(seed).normal(mean, 1.0, count)


def test_a_clearly_better_learner_wins_every_draw():
    found = stability_of({"weak": ics(0.0), "strong": ics(1.0, seed=2)}, "strong", overlap=5, seed=1)

    assert found.wins == {"weak": 0, "strong": 1}
    assert stability_section(found)[2].endswith("in blocks: strong 100%.")


def test_of_near_equals_the_first_wins_as_in_the_choice():
    same = ics(0.3)

    found = stability_of({"first": same, "second": same + 0.01}, "first", overlap=5, seed=1)

    assert found.wins["first"] == 1


def test_the_shares_sum_to_one_and_equal_seeds_give_equal_shares():
    centred = [ics(0.0, seed=seed) for seed in (1, 2)]
    given = {
        name: each - each.mean() + mean
        for name, each, mean in zip(("one", "two"), centred, (0.1, 0.2), strict=True)
    }

    found = [stability_of(given, "one", overlap=5, seed=4) for _ in range(2)]

    assert found[0] == found[1]
    assert sum(found[0].wins.values()) == pytest.approx(1)
    assert 0 < found[0].wins["one"] < 1


def test_a_nearly_arbitrary_choice_is_a_warning():
    text = stability_section(Stability("one", {"one": 0.45, "two": 0.55, "three": 0.0}))[2]

    assert "two 55%, one 45%." in text
    assert "**one was selected in only 45% of them" in text
    assert "arbitrary" not in stability_section(Stability("one", {"one": 0.5, "two": 0.5}))[2]


def test_one_learner_or_a_short_history_has_no_stability():
    assert stability_of({"one": ics(0.1)}, "one", overlap=5, seed=1) is None
    assert (
        stability_of({"one": ics(0.1, count=41), "two": ics(0, count=41)}, "one", overlap=5, seed=1) is None
    )
    assert stability_section(None) == []


def test_the_neutral_ic_is_the_mean_of_the_sessions():
    data = make_data(np.arange(60), names=12)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    scores, rows = np.random.default_rng(3).normal(size=240), slice(120, 360)

    each = tested.neutral_ics(scores, rows)

    assert len(each) == 20
    assert each.mean() == pytest.approx(tested.measure(scores, rows).neutral_ic)
