import pytest

from tasks.backtest.parity.compare import sessions_read
from tests.builders import make_settings

STOPS = {"CRASH": 0.1, "BEAR": 0.1, "NEUTRAL": 0.0, "BULL": 0.0}


@pytest.mark.parametrize(
    ("settings", "sessions"),
    [
        ({}, 253),
        ({"risk.window_sessions": 20}, 64),
        ({"risk.window_sessions": 20, "regime.stop_loss_frac": STOPS}, 83),
        ({"regime.stop_loss_frac": STOPS, "regime.stop_high_sessions": 252}, 272),
    ],
)
def test_a_decision_reads_as_many_sessions_as_risk_quotes_and_stops_need(settings, sessions):
    assert sessions_read(make_settings(**settings)) == sessions
