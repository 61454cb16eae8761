import json
from base64 import b64encode

import numpy as np
import pytest

from tasks.core.errors import ConfigError, ModelError
from tasks.models.kinds.learners import LEARNERS
from tasks.models.kinds.members import QUANTILES
from tasks.models.kinds.rank_blend import DEFAULTS, RankBlend
from tests.champions import FEATURES, make_rows

MEMBERS = "lightgbm quadratic_ridge"


def fitted(members=MEMBERS, *, seed=3):
    model = RankBlend(FEATURES, {"members": members}, seed=seed)
    model.fit(make_rows(), target(), np.ones(600))
    return model


def target():
    x = make_rows()
    return x[:, 0].astype(float) - 0.5 + np.random.default_rng(1).normal(0, 0.2, len(x))


def ranks_alone(kind, seed, x):
    """Return the shares of the training scores of one model that are below each of its scores."""
    model = LEARNERS[kind](FEATURES, {}, seed)
    model.fit(make_rows(), target(), np.ones(600))
    below = model.predict(make_rows())[None, :] < model.predict(x)[:, None]
    return below.mean(axis=1)


def test_a_score_is_the_mean_of_the_members_ranks_in_training():
    x = make_rows(200, seed=8)

    expected = (ranks_alone("lightgbm", 3, x) + ranks_alone("quadratic_ridge", 4, x)) / 2 - 0.5

    scores = fitted().predict(x)
    np.testing.assert_allclose(scores, expected, atol=0.02)
    assert scores.min() >= -0.5
    assert scores.max() <= 0.5


def test_members_of_one_kind_have_different_seeds():
    x = make_rows(200, seed=8)

    assert not np.array_equal(fitted("lightgbm lightgbm").predict(x), fitted("lightgbm").predict(x))


def test_importance_is_the_mean_of_the_members():
    x, blend = make_rows(200, seed=8), fitted()

    parts = [fitted(kind, seed=3 + number).importance(x) for number, kind in enumerate(MEMBERS.split())]

    np.testing.assert_allclose(blend.importance(x), np.mean(parts, axis=0))


@pytest.mark.parametrize("parameters", [{"members": "lightgbm moon"}, {"members": " "}, {"weights": "1 2"}])
def test_unknown_members_and_parameters_are_refused(parameters):
    with pytest.raises(ConfigError, match="rank_blend has parameters that its library rejects: unknown"):
        RankBlend(FEATURES, DEFAULTS | parameters, seed=1).fit(make_rows(), target(), np.ones(600))


@pytest.fixture(scope="module")
def stored():
    return fitted().dump()


def with_member(**fields):
    """Return a function that edits the first member of a stored model."""

    def edited(stored):
        content = json.loads(stored)
        content["members"][0] |= fields
        return json.dumps(content).encode()

    return edited


@pytest.mark.parametrize(
    "edited",
    [
        with_member(kind="rank_blend"),
        with_member(kind=["lightgbm"]),
        with_member(model="%%%"),
        with_member(model=b64encode(b"not a model").decode()),
        with_member(model=None),
        with_member(quantiles=[0.0, 1.0]),
        with_member(quantiles=list(range(QUANTILES, 0, -1))),
        with_member(quantiles=[float("nan")] * QUANTILES),
        lambda _: b'{"kind": "rank_blend", "members": []}',
        lambda _: b'{"kind": "rank_blend", "members": 7}',
        lambda _: b'{"kind": "rank_blend", "members": ["lightgbm"]}',
    ],
)
def test_edited_bytes_are_refused(edited, stored):
    with pytest.raises(ModelError, match="not a model of kind"):
        RankBlend(FEATURES, {}, seed=1).load(edited(stored))
