import numpy as np
import pytest

from tasks.regime.inputs import Inputs
from tasks.regime.rules import BEAR, BULL, CRASH, NEUTRAL, believe, reading
from tests.builders import make_settings

RULES = make_settings().regime
CALM = {"trend": 0.05, "volatility_pct": 14.0, "breadth": 0.7, "correlation": 0.2, "drawdown": -0.01}


def make_inputs(**changed: float) -> Inputs:
    figures = {name: np.array([value]) for name, value in (CALM | changed).items()}
    return Inputs(**figures, is_realised=np.array([False]), is_cross_section=np.array([False]))


def test_a_calm_broad_rise_is_a_bull():
    assert reading(make_inputs(), RULES).tolist() == [BULL]


@pytest.mark.parametrize(
    "change", [{"trend": -0.01}, {"volatility_pct": 21.0}, {"breadth": 0.45}, {"drawdown": -0.11}]
)
def test_one_doubt_makes_it_neutral(change):
    assert reading(make_inputs(**change), RULES).tolist() == [NEUTRAL]


def test_three_of_five_signs_make_a_bear():
    two = make_inputs(trend=-0.05, volatility_pct=26.0)
    three = make_inputs(trend=-0.05, volatility_pct=26.0, breadth=0.3)

    assert reading(two, RULES).tolist() == [NEUTRAL]
    assert reading(three, RULES).tolist() == [BEAR]


def test_a_nervous_narrow_fall_is_a_crash():
    assert reading(make_inputs(volatility_pct=45.0, breadth=0.05, drawdown=-0.12), RULES).tolist() == [CRASH]


def test_volatility_alone_is_no_crash():
    assert reading(make_inputs(volatility_pct=60.0), RULES).tolist() == [NEUTRAL]


def test_one_bad_session_is_not_believed_and_two_are():
    once = np.array([BULL, BULL, CRASH, BULL, BULL])
    twice = np.array([BULL, BULL, CRASH, CRASH, BULL])

    assert believe(once, worsen_sessions=2, confirm_sessions=3).tolist() == [BULL] * 5
    assert believe(twice, worsen_sessions=2, confirm_sessions=3).tolist() == [BULL, BULL, BULL, CRASH, CRASH]


def test_an_improvement_has_to_stand_through_the_confirmation():
    readings = np.array([CRASH, NEUTRAL, NEUTRAL, NEUTRAL])

    assert believe(readings, worsen_sessions=1, confirm_sessions=3).tolist() == [CRASH, CRASH, CRASH, NEUTRAL]
