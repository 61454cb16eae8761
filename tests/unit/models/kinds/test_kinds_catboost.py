"""CatBoost as an optional kind (M1): without the library, the error says what to install."""

import numpy as np
import pytest

from tasks.core.errors import ConfigError, ModelError
from tasks.models.kinds import catboost_trees
from tasks.models.kinds.catboost_trees import CatboostTrees
from tests.champions import FEATURES, make_rows


def fitted(seed=5, **parameters):
    x = make_rows()
    model = CatboostTrees(FEATURES, {"rounds": 5} | parameters, seed)
    model.fit(x, x[:, 0].astype(np.float64) - 0.5, np.ones(len(x)))
    return model


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(catboost_trees, "find_spec", lambda _: None)

    with pytest.raises(ConfigError, match="not installed") as refused:
        fitted()

    assert "afterclose[catboost]" in refused.value.remedy


def test_the_file_has_no_time_and_no_id_and_a_model_read_from_it_gives_it_again():
    content = fitted().dump()
    again = CatboostTrees(FEATURES, {}, 9)

    again.load(content)

    assert again.dump() == content == fitted().dump()
    assert b"train_finish_time" not in content
    assert fitted(seed=6).dump() != content


def test_a_file_that_lacks_a_few_bytes_is_refused():
    content = fitted().dump()

    for length in (3, 6, 9, len(content) - 1):
        with pytest.raises(ModelError):
            CatboostTrees(FEATURES, {}, 1).load(content[:length])


def test_a_parameter_that_the_library_does_not_know_is_an_error_of_the_settings():
    with pytest.raises(ConfigError, match="rejects"):
        fitted(no_such_parameter=1)
