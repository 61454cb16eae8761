"""Every feature equals its plain reference, missing values included."""

import numpy as np
import pytest

from tasks.features.compute import compute_raw
from tasks.features.registry import feature_names, selected
from tests.unit.features import reference, reference_alpha158
from tests.unit.features.panels import rough_panel
from tests.unit.features.reference import bars_of

PANEL = rough_panel(sessions=290, symbols=7)
BARS = bars_of(PANEL)
REFERENCE = reference.REFERENCE | reference_alpha158.REFERENCE


def test_every_feature_has_a_reference():
    assert REFERENCE.keys() == set(feature_names())


@pytest.mark.parametrize("name", feature_names())
def test_a_feature_equals_its_reference(name):
    (feature,) = selected([name])
    whole_windows = slice(feature.window - 1, None)

    (values,) = compute_raw(PANEL, [feature])

    plain = REFERENCE[name](BARS).where(BARS.close.notna())
    expected = plain.replace([np.inf, -np.inf], np.nan).to_numpy(dtype=float)[whole_windows]
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(values[whole_windows], expected, rtol=1e-6, atol=1e-12)
