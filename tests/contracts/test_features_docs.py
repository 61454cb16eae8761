"""The pages about features are true: one is generated with its pictures, the other's example is run."""

import re
from typing import get_args

import numpy as np

from tasks.features.compute import compute_raw
from tasks.features.engine.feature import Transform
from tasks.features.engine.inputs import INPUTS
from tasks.features.registry import FEATURES, feature_names, reach, selected
from tasks.features.sets import SETS
from tests.documentation.family_charts import PICTURES
from tests.documentation.features_page import features_page
from tests.documentation.generate import DOCS, FEATURE_CHARTS, feature_charts
from tests.unit.features.panels import rough_panel, rows_of
from tests.unit.features.reference import bars_of, rolling

ADDING = (DOCS / "adding-a-feature.md").read_text()


def example():
    """Run the page's Python and return what it defines."""
    names = {"rolling": rolling}
    for block in re.findall(r"```python\n(.*?)```", ADDING, re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    return names


def test_the_reference_page_is_up_to_date():
    assert (DOCS / "features.md").read_text() == features_page(), "run `make docs`"


def test_a_row_says_formula_inputs_window_warm_up_form_and_version():
    page = features_page()

    assert "| `obv_slope_21` | slope per session of the line through on-balance volume / mean volume," in page
    assert "| `reversal_5_neutral` | 1 − close / close 5 ago | close | 6 | 252 | neutral rank | 2 |" in page
    assert [name for name in feature_names() if page.count(f"| `{name}` |") != 1] == []


def test_the_pictures_are_up_to_date_and_small():
    on_disk = {path.name: path.read_text() for path in FEATURE_CHARTS.iterdir()}

    drawn = feature_charts()

    assert on_disk.keys() == drawn.keys()
    assert [name for name in drawn if on_disk[name] != drawn[name]] == [], "run `make docs`"
    assert max(len(svg.encode()) for svg in drawn.values()) < 40_000


def test_every_family_has_a_picture_of_its_own_features():
    shown = {
        family: {feature.family for feature in selected(picture.features)}
        for family, picture in PICTURES.items()
    }

    assert shown == {feature.family: {feature.family} for feature in FEATURES}


def test_the_example_of_adding_a_feature_works():
    names = example()
    panel = rough_panel(sessions=60)

    for feature, values in zip(names["FEATURES"], compute_raw(panel, names["FEATURES"]), strict=True):
        plain = names["REFERENCE"][feature.name](bars_of(panel)).where(np.isfinite(panel.close)).to_numpy()
        from_window = compute_raw(rows_of(panel, slice(-feature.window, None)), [feature])

        np.testing.assert_allclose(values[feature.window - 1 :], plain[feature.window - 1 :], rtol=1e-6)
        assert np.array_equal(from_window[0, -1], values[-1], equal_nan=True)


def test_the_example_of_a_neutral_form_wants_what_it_is_made_neutral_to():
    plain, neutral = example()["FEATURES"]

    assert (plain.transform, plain.inputs, reach(plain)) == ("rank", ("returns",), 22)
    assert (neutral.transform, neutral.inputs, reach(neutral)) == ("neutral_rank", ("returns",), 253)


def test_the_page_about_adding_names_every_input_form_and_set():
    shown = [*INPUTS, *(f'"{form}"' for form in get_args(Transform)), *SETS]

    assert [name for name in shown if f"`{name}`" not in ADDING] == []
