import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tasks.core.errors import ConfigError, ModelError
from tasks.models.kinds.quadratic_ridge import BLOCK_ROWS, QuadraticRidge

NAMES = ("one", "two", "constant")


def rows(count=4000, seed=0):
    """Return ranks of two features, and a third that never varies."""
    x = np.random.default_rng(seed).random((count, 3)).astype(np.float32)
    x[:, 2] = 0.5
    return x


def product(x):
    return (x[:, 0] - 0.5) * (x[:, 1] - 0.5).astype(float)


def fitted(x, y, weights=None, **parameters):
    model = QuadraticRidge(NAMES, parameters, seed=1)
    model.fit(x, y, np.ones(len(y)) if weights is None else weights)
    return model


def edited(model, **fields):
    return json.dumps(json.loads(model.dump()) | fields).encode()


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_a_product_of_two_features_is_found():
    x = rows()

    assert correlation(fitted(x, product(x), product_scale=1.0).predict(x), product(x)) > 0.98


def test_products_are_penalised_more_than_features():
    x = rows()
    y = (x[:, 0] - 0.5) / np.std(x[:, 0]) + product(x) / np.std(product(x))

    light, heavy = (fitted(x, y, product_scale=scale) for scale in (1.0, 0.1))

    assert correlation(light.predict(x), product(x)) > 0.6
    assert correlation(heavy.predict(x), product(x)) < 0.1
    assert correlation(heavy.predict(x), x[:, 0]) > 0.99


def test_scores_are_those_of_ridge_regression_on_standardised_features_and_products():
    x, y = rows(), np.random.default_rng(3).normal(1, 1, 4000)
    model = fitted(x, y, penalty=0.2, product_scale=0.5)

    z = (x[:, :2] - x[:, :2].mean(axis=0)) / x[:, :2].std(axis=0)
    terms = np.column_stack([z, z[:, 0] ** 2, z[:, 0] * z[:, 1], z[:, 1] ** 2]).astype(float)
    centred = terms - terms.mean(axis=0)
    penalties = np.diag([0.2, 0.2, 0.8, 0.8, 0.8])
    found = np.linalg.solve(centred.T @ centred / 4000 + penalties, centred.T @ (y - y.mean()) / 4000)

    np.testing.assert_allclose(model.predict(x), y.mean() + centred @ found, atol=1e-5)


def test_weights_decide_which_rows_count():
    x = rows()
    late = np.arange(4000) >= 2000
    y = np.where(late, 1.0, -1.0) * (x[:, 0] - 0.5)

    assert correlation(fitted(x, y, np.where(late, 1.0, 1e-9)).predict(x), x[:, 0]) > 0.9
    assert correlation(fitted(x, y, np.where(late, 1e-9, 1.0)).predict(x), x[:, 0]) < -0.9


def test_a_gap_is_scored_as_the_mean():
    x = rows()
    model = fitted(x, x[:, 0] - 0.5)
    gap, mean = np.array([[np.nan, 0.9, 0.5]], np.float32), np.array([[x[:, 0].mean(), 0.9, 0.5]], np.float32)

    np.testing.assert_allclose(model.predict(gap), model.predict(mean), atol=1e-6)


def test_a_feature_that_never_varied_in_training_counts_for_nothing():
    x = rows()
    model, other = fitted(x, x[:, 0] - 0.5), x.copy()
    other[:, 2] = 0.9

    np.testing.assert_array_equal(model.predict(other), model.predict(x))
    assert model.importance(x)[2] == 0


def test_the_bytes_do_not_depend_on_the_number_of_threads_nor_scores_on_the_block():
    x = rows(count=BLOCK_ROWS + 500)
    y = product(x) + np.random.default_rng(1).normal(size=len(x))
    with threadpool_limits(1):
        alone = fitted(x, y)
    with threadpool_limits(2):
        together = fitted(x, y)

    assert alone.dump() == together.dump()
    np.testing.assert_array_equal(alone.predict(x)[-7:], alone.predict(x[-7:]))


def test_no_rows_have_no_scores():
    x = rows()

    assert fitted(x, x[:, 0] - 0.5).predict(x[:0]).shape == (0,)


@pytest.mark.parametrize(
    "parameters", [{"alpha": 1}, {"penalty": 0}, {"product_scale": -1}, {"penalty": "much"}]
)
def test_an_unknown_parameter_and_one_that_is_not_positive_are_refused(parameters):
    x = rows()

    with pytest.raises(ConfigError, match="quadratic_ridge has parameters that its library rejects"):
        fitted(x, x[:, 0] - 0.5, **parameters)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "lightgbm"}, "another kind"),
        ({"linear": [1.0]}, "a different number of features"),
        ({"linear": None}, "a different number of features"),
        ({"intercept": None}, "missing or invalid"),
        ({"mean": ["a", "b", "c"]}, "missing or invalid"),
        ({"intercept": float("inf")}, "not finite"),
        ({"scale": [float("nan")] * 3}, "not finite"),
    ],
)
def test_edited_bytes_are_refused(fields, why):
    x = rows()
    content = edited(fitted(x, x[:, 0] - 0.5), **fields)

    with pytest.raises(ModelError, match=why):
        QuadraticRidge(NAMES, {}, seed=1).load(content)
