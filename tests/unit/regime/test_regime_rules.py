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


def test_a_calm_market_with_three_signs_of_weakness_is_not_a_bull():
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
    assert raw_states(make_inputs(volatility_pct=36.0, breadth=0.05), RULES).tolist() == [CRASH]


def test_panic_below_the_mean_is_a_crash_even_when_the_market_is_broad():
    assert raw_states(make_inputs(volatility_pct=51.0, trend=-0.01), RULES).tolist() == [CRASH]


def test_realised_volatility_calls_no_panic_for_it_looks_back():
    standing_in = replace(make_inputs(volatility_pct=51.0, trend=-0.01), is_realised=np.array([True]))

    assert raw_states(standing_in, RULES).tolist() == [BEAR]


def test_volatility_alone_is_not_a_crash():
    assert raw_states(make_inputs(volatility_pct=60.0), RULES).tolist() == [NEUTRAL]


def confirm(raw: list[int], strict: list[int] | None = None, **changed: int) -> list[int]:
    sessions = {"worsen_sessions": 2, "confirm_sessions": 3, "crash_confirm_sessions": 2} | changed
    return confirmed_states(np.array(raw), np.array(strict or raw), **sessions).tolist()


def test_one_bad_session_is_ignored_and_two_take_effect():
    assert confirm([BULL, BULL, BEAR, BULL, BULL]) == [BULL] * 5
    assert confirm([BULL, BULL, BEAR, BEAR, BULL]) == [BULL, BULL, BULL, BEAR, BEAR]


def test_an_improvement_must_hold_through_the_confirmation():
    assert confirm([BEAR, BULL, BULL, BULL]) == [BEAR, BEAR, BEAR, BULL]


def test_an_improvement_goes_no_further_than_the_strict_readings():
    assert confirm([BEAR, BULL, BULL, BULL], [BEAR, NEUTRAL, BEAR, BULL]) == [BEAR] * 4
    assert confirm([BEAR, BULL, BULL, BULL], [BEAR, NEUTRAL, BULL, NEUTRAL]) == [BEAR, BEAR, BEAR, NEUTRAL]


def test_a_state_within_the_margin_is_unchanged():
    assert confirm([BULL] * 6, [NEUTRAL] * 6) == [BULL] * 6
    assert confirm([BEAR] + [BULL] * 5, [BEAR] + [NEUTRAL] * 5)[-1] == NEUTRAL


def test_a_crash_becomes_a_bear_market_after_a_confirmation_of_its_own():
    crash = [CRASH, CRASH, BULL, BULL, BULL, BULL, BULL]

    assert confirm(crash, confirm_sessions=5) == [CRASH, CRASH, CRASH, BEAR, BEAR, BEAR, BULL]


def test_the_margin_lowers_the_limits_of_calm_and_bear_but_not_of_a_crash():
    margin = RULES.improve_margin
    calm = make_inputs(volatility_pct=RULES.calm_volatility - 0.1)
    bear = make_inputs(volatility_pct=RULES.bear_volatility - 0.1, trend=-0.01)
    crash = make_inputs(volatility_pct=RULES.crash_volatility - 0.1, breadth=0.01)

    assert raw_states(calm, RULES).tolist() == [BULL]
    assert raw_states(calm, RULES, margin=margin).tolist() == [NEUTRAL]
    assert raw_states(bear, RULES).tolist() == [NEUTRAL]
    assert raw_states(bear, RULES, margin=margin).tolist() == [BEAR]
    assert raw_states(crash, RULES, margin=margin).tolist() == [BEAR]
