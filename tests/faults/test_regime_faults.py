"""What the regime does when its inputs are missing or its settings wrong."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.core.errors import ConfigError
from tasks.data.schema.records import Panel
from tasks.regime.exposure import exposure_cap
from tasks.regime.inputs import compute_inputs
from tasks.regime.notes import regime_notes
from tasks.regime.rules import BEAR, BULL, CRASH, confirmed_states, regime_path
from tests.builders import make_panel, make_settings

RULES = make_settings().regime
MISSING = np.full(300, np.nan)


def calm_panel() -> Panel:
    panel = make_panel(symbols=10)
    grow = 1.001 ** np.arange(300)
    jitter = np.exp(np.random.default_rng(0).normal(0, 0.002, (300, 10)))
    return replace(panel, market=100 * grow, close=50 * grow[:, None] * jitter)


def without_names(panel: Panel) -> Panel:
    return replace(panel, close=np.full_like(panel.close, np.nan), is_member=np.zeros_like(panel.is_member))


def notes_of(panel: Panel) -> str:
    return " ".join(regime_notes(compute_inputs(panel), RULES, benchmark="SPY", index="^VIX"))


def test_fault_026_a_missing_volatility_index_is_replaced_by_a_substitute_and_reported():
    panel = replace(calm_panel(), volatility_index=MISSING)

    assert regime_path(compute_inputs(panel), RULES)[-1] == BULL
    assert "^VIX is missing on 12 of the last 12 sessions: realized volatility" in notes_of(panel)


def test_fault_026_a_missing_benchmark_is_replaced_by_a_substitute_and_reported():
    panel = replace(calm_panel(), market=MISSING)

    assert regime_path(compute_inputs(panel), RULES)[-1] == BULL
    assert "SPY is missing on 12 of the last 12 sessions: the equal-weight average" in notes_of(panel)


def test_fault_026_an_empty_universe_is_replaced_by_a_substitute_and_reported():
    panel = calm_panel()
    panel = replace(panel, is_member=np.zeros_like(panel.is_member))

    assert regime_path(compute_inputs(panel), RULES)[-1] == BULL
    assert "universe is empty on 12 of the last 12 sessions: every name with a bar" in notes_of(panel)


def test_fault_026_without_prices_the_state_is_the_safest_that_the_benchmark_supports():
    panel = without_names(calm_panel())
    nervous = replace(panel, volatility_index=np.full(300, 36.0))

    assert regime_path(compute_inputs(panel), RULES)[-1] == BULL
    assert regime_path(compute_inputs(nervous), RULES)[-1] == CRASH
    assert "Breadth cannot be measured: the worst value is assumed." in notes_of(panel)


def test_fault_026_when_nothing_is_known_the_state_is_a_crash():
    panel = replace(without_names(calm_panel()), market=MISSING, volatility_index=MISSING)

    assert set(regime_path(compute_inputs(panel), RULES)) == {CRASH}
    assert "Volatility is unknown: the exposure cap is halved." in notes_of(panel)


def test_fault_027_a_market_that_jumps_at_a_boundary_does_not_flap():
    flapping = np.array([BULL, BEAR] * 50)

    raw = np.repeat(flapping, 2)
    confirmed = confirmed_states(raw, raw, worsen_sessions=2, confirm_sessions=10, crash_confirm_sessions=5)

    assert np.count_nonzero(np.diff(confirmed)) == 1


def test_fault_028_an_unknown_state_has_no_cap():
    with pytest.raises(ConfigError, match="PANIC"):
        exposure_cap("PANIC", 15.0, RULES)


def test_fault_028_a_cap_for_an_unknown_state_is_refused():
    with pytest.raises(ValidationError, match="PANIC"):
        make_settings(**{"regime.exposure_cap": {"PANIC": 0.5}})


def test_fault_028_a_state_without_a_cap_is_refused():
    with pytest.raises(ValidationError, match="no cap for CRASH"):
        make_settings(**{"regime.exposure_cap": {"BEAR": 0.3, "NEUTRAL": 0.7, "BULL": 1.0}})


def test_fault_028_a_crash_may_not_allow_more_than_a_bull():
    with pytest.raises(ValidationError, match="a worse state must not allow more exposure"):
        make_settings(**{"regime.exposure_cap": {"CRASH": 1.0, "BEAR": 0.3, "NEUTRAL": 0.7, "BULL": 1.0}})


def test_fault_028_a_crash_may_not_allow_new_positions():
    with pytest.raises(ValidationError, match="a crash allows no new positions"):
        make_settings(**{"regime.no_new_positions": ["BEAR"]})


def test_fault_028_a_state_without_a_size_is_refused():
    with pytest.raises(ValidationError, match="no value for CRASH"):
        make_settings(**{"regime.size_multiplier": {"BEAR": 0.3, "NEUTRAL": 0.7, "BULL": 1.0}})


def test_fault_028_a_state_without_a_stop_setting_is_refused():
    with pytest.raises(ValidationError, match="no value for CRASH"):
        make_settings(**{"regime.stop_loss_frac": {"BEAR": 0.1, "NEUTRAL": 0.2, "BULL": 0.3}})


@pytest.mark.parametrize("bear", [0.0, 0.3])
def test_fault_028_a_worse_state_may_not_have_a_wider_stop_or_none(bear):
    with pytest.raises(ValidationError, match="a worse state must not have a wider stop"):
        make_settings(**{"regime.stop_loss_frac": {"CRASH": 0.1, "BEAR": bear, "NEUTRAL": 0.2, "BULL": 0.0}})


def test_fault_028_a_stop_may_be_set_in_the_worst_states_alone():
    stops = {"CRASH": 0.1, "BEAR": 0.1, "NEUTRAL": 0.0, "BULL": 0.0}

    assert make_settings(**{"regime.stop_loss_frac": stops}).regime.stop_loss_frac == stops


def test_a_reduction_other_than_half_is_named_in_the_note():
    panel = replace(calm_panel(), volatility_index=np.full(300, 41.0))
    rules = make_settings(**{"regime.reduced_exposure": 0.25}).regime

    notes = " ".join(regime_notes(compute_inputs(panel), rules, benchmark="SPY", index="^VIX"))

    assert "41.0%, above 40%: the exposure cap is reduced to 25% of its normal value." in notes
