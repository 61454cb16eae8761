import json

import numpy as np
import pytest

from tasks.core.errors import ModelError
from tasks.models.kinds.best_feature import BestFeature

NAMES = ("noise", "signal", "reverse")


def rows(seed=0, count=500):
    """Return three features: the second foretells, the third foretells the opposite, and less well."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=count)
    x = np.column_stack([rng.normal(size=count), y + rng.normal(size=count), -y + rng.normal(0, 2, count)])
    return x.astype(np.float32), y


def fitted(x, y, weights=None):
    model = BestFeature(NAMES, {}, seed=1)
    model.fit(x, y, np.ones(len(y)) if weights is None else weights)
    return model


def test_the_most_correlated_feature_is_found_and_scores_are_its_values():
    x, y = rows()

    model = fitted(x, y)

    assert model.required == ("signal",)
    np.testing.assert_array_equal(model.predict(x), x[:, 1].astype(float))


def test_the_sign_is_found_too():
    x, y = rows()

    np.testing.assert_array_equal(fitted(x, -y).predict(x), -x[:, 1].astype(float))


def test_weights_decide_which_rows_count():
    x, y = rows()
    late = np.arange(500) >= 250
    x[late, 1] = np.random.default_rng(1).normal(size=250)

    assert fitted(x, y, np.where(late, 1.0, 1e-9)).required == ("reverse",)


def test_gaps_and_constant_features_have_no_correlation():
    x, y = rows()
    x[:, 0] = np.nan
    x[:, 2] = 7.0
    x[::3, 1] = np.nan

    assert fitted(x, y).required == ("signal",)


def test_without_rows_the_first_feature_is_taken():
    assert fitted(np.empty((0, 3), np.float32), np.empty(0)).required == ("noise",)


@pytest.mark.parametrize("sign", [0, 2, "1", None, 1.5])
def test_a_stored_sign_that_is_none_is_refused(sign):
    content = json.dumps({"rule": "best_feature", "feature": "noise", "sign": sign}).encode()

    with pytest.raises(ModelError, match="is no"):
        BestFeature(NAMES, {}, seed=1).load(content)


def test_a_best_feature_that_was_not_fitted_says_so():
    with pytest.raises(ModelError, match="has not been trained"):
        BestFeature(NAMES, {}, seed=1).predict(rows()[0])
