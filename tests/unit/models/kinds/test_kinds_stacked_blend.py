import json

import numpy as np
import pytest

from config.sections import Candidate
from tasks.core.errors import ConfigError, ModelError
from tasks.models.kinds.base import Model
from tasks.models.kinds.learners import LEARNERS
from tasks.models.kinds.stacked_blend import DEFAULTS, StackedBlend, stacked
from tasks.models.training.fold_by_fold import fit, out_of_fold_parts
from tests.builders import make_settings
from tests.champions import FEATURES, make_rows
from tests.unit.models.datasets import make_data


def target():
    x = make_rows()
    return x[:, 0].astype(float) - 0.5 + np.random.default_rng(1).normal(0, 0.2, len(x))


def fitted(**parameters):
    model = StackedBlend(FEATURES, parameters, seed=3)
    model.fit(make_rows(), target(), np.ones(600))
    return model


def weights_of(model):
    return json.loads(model.dump())["weights"]


def test_weights_are_those_of_a_ridge_regression_around_equal_weights():
    rng = np.random.default_rng(0)
    good, bad = rng.uniform(-0.5, 0.5, (2, 5000))
    y = good + rng.normal(0, 0.1, 5000)

    free, tied = (stacked(np.array([good, bad]), y, np.ones(5000), penalty=penalty) for penalty in (0.0, 1e6))

    np.testing.assert_allclose(free, [1.0, 0.0], atol=0.02)
    np.testing.assert_allclose(tied, [0.5, 0.5], atol=0.02)


def test_rows_without_weight_do_not_count():
    rng = np.random.default_rng(0)
    ranks = rng.uniform(-0.5, 0.5, (2, 200))
    y = np.where(np.arange(200) < 100, ranks[0], -ranks[0])

    found = stacked(ranks, y, (np.arange(200) < 100).astype(float), penalty=0.0)

    np.testing.assert_allclose(found, [1.0, 0.0], atol=1e-6)


class Memory:
    """A learner that knows the target of every row it was trained on, and guesses that of others."""

    suffix, ranks, learns, importance_by, required = "json", True, True, "none", ()

    def __init__(self, _features, _parameters, _seed):
        self.known = {}

    def fit(self, x, y, _weights):
        self.known = dict(zip(x[:, 0].tolist(), y.tolist(), strict=True))

    def predict(self, x):
        return np.array([self.known.get(value, np.sin(1e5 * value) / 2) for value in x[:, 0].tolist()])

    def importance(self, x):
        return np.ones(x.shape[1]) / x.shape[1]

    def dump(self):
        return b"{}"

    def load(self, content):
        raise NotImplementedError


def test_a_member_that_only_remembers_its_training_rows_has_no_weight(monkeypatch):
    learner: type[Model] = Memory
    monkeypatch.setitem(LEARNERS, "memory", learner)

    model = fitted(members="quadratic_ridge memory", penalty=0.0)

    useful, memory = weights_of(model)
    assert abs(memory) < useful / 10


def test_out_of_fold_parts_are_purged_of_labels_that_overlap():
    data = make_data(label=21)
    rows = np.arange(len(data.sessions))[30:]

    parts = out_of_fold_parts(data, rows, folds=3, embargo_sessions=5)

    scored = np.concatenate([test for _, test in parts])
    assert sorted(scored.tolist()) == list(range(len(rows)))
    for train, test in parts:
        of_train, of_test = rows[train], rows[test]
        before = data.sessions[of_train] < data.sessions[of_test].min()
        assert (data.label_end[of_train[before]] + 5 < data.sessions[of_test].min()).all()
        assert (data.sessions[of_train[~before]] > data.label_end[of_test].max() + 5).all()
        assert len(train) > len(rows) / 2


def test_training_by_folds_uses_the_purged_parts(monkeypatch):
    used = []
    monkeypatch.setattr(StackedBlend, "use_parts", lambda _self, parts: used.append(parts))
    data, rows = make_data(names=12), np.arange(600)
    candidate = Candidate(name="stacked", kind="stacked_blend", parameters={"folds": 4})

    fit(candidate, data, rows, make_settings().models, seed=1)

    (parts,) = used
    assert len(parts) == 4
    assert all(len(train) < len(rows) - len(test) for train, test in parts)


def test_without_parts_the_weights_are_equal():
    model = StackedBlend(FEATURES, {}, seed=3)
    model.use_parts(out_of_fold_parts(make_data(), np.arange(4), folds=3, embargo_sessions=5))

    model.fit(make_rows(), target(), np.ones(600))

    assert weights_of(model) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"members": "lightgbm moon"}, "unknown: moon"),
        ({"weights": "1 2"}, "unknown: weights"),
        ({"folds": 1}, "folds must be"),
        ({"folds": 2.5}, "folds must be"),
        ({"penalty": -1}, "penalty must be"),
        ({"penalty": "high"}, "penalty must be"),
    ],
)
def test_unknown_members_and_parameters_are_refused(parameters, why):
    with pytest.raises(ConfigError, match=why):
        StackedBlend(FEATURES, DEFAULTS | parameters, seed=1).fit(make_rows(), target(), np.ones(600))


@pytest.mark.parametrize("weights", [None, [1.0], [1.0, "a"], [1.0, float("inf")], [[1.0], [2.0]]])
def test_edited_weights_are_refused(weights):
    stored = json.loads(fitted().dump()) | {"weights": weights}

    with pytest.raises(ModelError, match="not a model of kind stacked_blend: its weights"):
        StackedBlend(FEATURES, {}, seed=1).load(json.dumps(stored).encode())
