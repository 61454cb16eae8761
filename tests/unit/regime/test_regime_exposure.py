import math

import pytest

from tasks.regime.exposure import exposure_cap
from tests.builders import make_settings

RULES = make_settings().regime


def test_the_reduction_above_the_limit_is_a_setting():
    rules = make_settings(**{"regime.reduced_exposure": 0.2}).regime

    assert exposure_cap("BULL", 41.0, rules) == pytest.approx(0.2)
    assert exposure_cap("BULL", 40.0, rules) == 1.0


@pytest.mark.parametrize(("state", "cap"), [("CRASH", 0.0), ("BEAR", 0.3), ("NEUTRAL", 0.7), ("BULL", 1.0)])
def test_each_state_has_its_cap(state, cap):
    assert exposure_cap(state, 15.0, RULES) == cap


@pytest.mark.parametrize(("volatility", "cap"), [(40.0, 0.7), (40.1, 0.35), (math.nan, 0.35)])
def test_high_or_unknown_volatility_halves_the_cap(volatility, cap):
    assert exposure_cap("NEUTRAL", volatility, RULES) == pytest.approx(cap)
