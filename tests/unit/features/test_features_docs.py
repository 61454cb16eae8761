"""The pages about features are true: one is generated, the other's example is run."""

import re
from pathlib import Path

import numpy as np

from tasks.features.engine import compute_raw, compute_raw_last
from tasks.features.inputs import INPUTS
from tasks.features.reference_page import features_page
from tests.unit.features.panels import rough_panel, rows_of
from tests.unit.features.reference import bars_of, rolling

DOCS = Path(__file__).parents[3] / "docs"


def test_the_reference_page_is_up_to_date():
    assert (DOCS / "features.md").read_text() == features_page(), "run `make docs`"


def test_the_example_of_adding_a_feature_works():
    page = (DOCS / "adding-a-feature.md").read_text()
    names = {"rolling": rolling}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    (feature,) = names["FEATURES"]
    panel = rough_panel(sessions=60)

    (values,) = compute_raw(panel, [feature])

    expected = names["REFERENCE"][feature.name](bars_of(panel)).where(np.isfinite(panel.close)).to_numpy()
    from_window = compute_raw_last(rows_of(panel, slice(-feature.window, None)), [feature])
    np.testing.assert_allclose(values[feature.window - 1 :], expected[feature.window - 1 :], rtol=1e-6)
    assert np.array_equal(from_window[0, 0], values[-1], equal_nan=True)


def test_the_page_names_every_input():
    page = (DOCS / "adding-a-feature.md").read_text()

    assert [name for name in INPUTS if f"`{name}`" not in page] == []
