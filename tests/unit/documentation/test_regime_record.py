import numpy as np
import pandas as pd
import pytest

from tests.documentation.regime_record import record_of, sharpe_difference_band

SESSIONS = pd.bdate_range("2024-01-01", periods=4, name="session")


def test_a_cap_known_at_the_close_is_held_from_the_next_open_to_the_one_after_it():
    states = pd.DataFrame(
        {"state": ["BEAR", "BULL", "BULL", "BULL"], "volatility_pct": [30.0, 12.0, 12.0, 12.0]},
        index=SESSIONS,
    )
    opened = np.array([100.0, 100.0, 110.0, 110.0])
    levels = pd.DataFrame({"open": opened, "close": 50.0, "adj_close": 50.0}, index=SESSIONS)
    yield_pct = pd.Series(2.52, index=SESSIONS)

    record = record_of(states, levels, yield_pct)

    assert record.benchmark.iloc[0] == pytest.approx(0.10)
    assert record.capped.iloc[0] == pytest.approx(0.3 * 0.10 + 0.7 * 0.0001)
    assert record.benchmark.iloc[2:].isna().all()


def test_a_record_does_not_change_when_later_sessions_are_removed():
    draw = np.random.default_rng(1)
    sessions = pd.bdate_range("2024-01-01", periods=30, name="session")
    states = pd.DataFrame({"state": "NEUTRAL", "volatility_pct": 20.0}, index=sessions)
    levels = pd.DataFrame(np.exp(draw.normal(0, 0.01, (30, 3))), sessions, ["open", "close", "adj_close"])
    yield_pct = pd.Series(3.0, index=sessions)

    whole = record_of(states, levels, yield_pct).capped
    shorter = record_of(states[:20], levels[:20], yield_pct[:20]).capped

    pd.testing.assert_series_equal(shorter[:18], whole[:18], check_freq=False)


def test_the_band_of_a_difference_contains_zero_for_equal_returns_and_excludes_it_for_clearly_better_ones():
    plain = np.random.default_rng(2).normal(0.0003, 0.01, 1000)

    assert sharpe_difference_band(plain, plain) == (0.0, 0.0)
    assert sharpe_difference_band(plain, plain + 0.002)[0] > 0
