from dataclasses import replace

import numpy as np
import pytest

from tasks.regime.inputs import RegimeInputs
from tasks.regime.rules import BEAR, BULL, CRASH, NEUTRAL, confirmed_states, raw_states
from tests.builders import make_settings

RULES = make_settings().regime
CALM = {"trend": 0.05, "volatility_pct": 14.0, "breadth": 0.7, "correlation": 0.2, "drawdown": -0.01}


def make_inputs(**changed: float) -> RegimeInputs:
    figures = {name: np.array([value]) for name, value in (CALM | changed).items()}
    no = np.array([False])
    return RegimeInputs(**figures, is_realised=no, is_cross_section=no, is_all_names=no)


def test_a_calm_broad_rise_is_a_bull():
    assert raw_states(make_inputs(), RULES).tolist() == [BULL]


def test_a_calm_market_with_three_signs_of_weakness_is_no_bull():
    two = make_inputs(trend=-0.01, breadth=0.3)
    three = make_inputs(trend=-0.01, breadth=0.3, drawdown=-0.2)

    assert raw_states(two, RULES).tolist() == [BULL]
    assert raw_states(three, RULES).tolist() == [NEUTRAL]


def test_a_restless_market_is_neutral():
    assert raw_states(make_inputs(volatility_pct=18.0), RULES).tolist() == [NEUTRAL]


@pytest.mark.parametrize(
    "sign", [{"trend": -0.01}, {"breadth": 0.3}, {"correlation": 0.6}, {"drawdown": -0.2}]
)
def test_a_nervous_market_with_one_sign_of_weakness_is_a_bear(sign):
    assert raw_states(make_inputs(volatility_pct=26.0), RULES).tolist() == [NEUTRAL]
    assert raw_states(make_inputs(volatility_pct=26.0, **sign), RULES).tolist() == [BEAR]


def test_a_nervous_narrow_fall_is_a_crash():
    assert raw_states(make_inputs(volatility_pct=36.0, breadth=0.05, drawdown=-0.09), RULES).tolist() == [
        CRASH
    ]


def test_panic_below_the_mean_is_a_crash_even_when_the_market_is_broad():
    assert raw_states(make_inputs(volatility_pct=46.0, trend=-0.01), RULES).tolist() == [CRASH]


def test_realised_volatility_calls_no_panic_for_it_looks_back():
    standing_in = replace(make_inputs(volatility_pct=46.0, trend=-0.01), is_realised=np.array([True]))

    assert raw_states(standing_in, RULES).tolist() == [BEAR]


def test_volatility_alone_is_no_crash():
    assert raw_states(make_inputs(volatility_pct=60.0), RULES).tolist() == [NEUTRAL]


def test_one_bad_session_is_not_believed_and_two_are():
    once = np.array([BULL, BULL, CRASH, BULL, BULL])
    twice = np.array([BULL, BULL, CRASH, CRASH, BULL])

    assert confirmed_states(once, worsen_sessions=2, confirm_sessions=3).tolist() == [BULL] * 5
    assert confirmed_states(twice, worsen_sessions=2, confirm_sessions=3).tolist() == [
        BULL,
        BULL,
        BULL,
        CRASH,
        CRASH,
    ]


def test_an_improvement_has_to_stand_through_the_confirmation():
    readings = np.array([CRASH, NEUTRAL, NEUTRAL, NEUTRAL])

    assert confirmed_states(readings, worsen_sessions=1, confirm_sessions=3).tolist() == [
        CRASH,
        CRASH,
        CRASH,
        NEUTRAL,
    ]
