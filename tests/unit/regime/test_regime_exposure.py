import math

import numpy as np
import pytest

from tasks.regime.exposure import allowances, exposure_cap
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


def test_what_many_sessions_allow_is_what_each_one_does():
    settings = {"regime.size_multiplier": {"CRASH": 0.0, "BEAR": 0.5, "NEUTRAL": 1.0, "BULL": 1.0}}
    settings["regime.stop_loss_frac"] = {"CRASH": 0.1, "BEAR": 0.2, "NEUTRAL": 0.3, "BULL": 0.0}
    rules = make_settings(**settings, **{"regime.no_new_positions": ["CRASH", "BEAR"]}).regime
    states, volatility = np.array(["CRASH", "BEAR", "BULL", "BULL"]), np.array([60.0, 30.0, 12.0, np.nan])

    allowed = allowances(states, volatility, rules)

    assert allowed.exposure_cap.tolist() == [0.0, 0.3, 1.0, 0.5]
    assert allowed.allows_new_positions.tolist() == [False, False, True, True]
    assert allowed.size_multiplier.tolist() == [0.0, 0.5, 1.0, 1.0]
    assert allowed.max_buys_frac.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert allowed.stop_loss_frac.tolist() == [0.1, 0.2, 0.0, 0.0]
