"""What the documents and the settings say about kinds of models is so."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from config.sections import Candidate
from tasks.core.errors import ModelError
from tasks.models.kinds.registry import KINDS
from tests.champions import FEATURES, make_rows

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-model.md"


@pytest.fixture(scope="module")
def ridge():
    """Return the class that the page shows."""
    shown = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    namespace = {}
    exec(shown.group(1), namespace)  # noqa: S102 - our own page
    return namespace["Ridge"]


def test_the_settings_allow_the_kinds_that_are_registered():
    assert set(get_args(Candidate.model_fields["kind"].annotation)) == set(KINDS)


def test_the_example_keeps_the_contract(ridge):
    x = make_rows()
    model, again = ridge(FEATURES, {}, 1), ridge(FEATURES, {}, 2)
    model.fit(x, np.nan_to_num(x[:, 0] - 0.5).astype(float), np.ones(len(x)))
    again.load(model.dump())

    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert model.predict(x[7:8])[0] == model.predict(x)[7]
    assert np.corrcoef(model.predict(x), x[:, 0])[0, 1] > 0.8
    assert model.importance(x).argmax() == 0
    np.testing.assert_allclose(model.contributions(x).sum(axis=1), model.predict(x))
    assert model.importance(x).sum() == pytest.approx(1)
    for content in (b"", b"\x80\x04", model.dump()[:20]):
        with pytest.raises(ModelError):
            again.load(content)
    with pytest.raises(ModelError, match="has not been trained"):
        ridge(FEATURES, {}, 1).predict(x)
