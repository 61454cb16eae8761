"""What the daily flow knows about its stages."""

import pytest

from flows import daily
from tests.builders import make_settings


@pytest.mark.parametrize(
    ("settings", "features", "expected"),
    [
        ({}, 253, 640),
        ({}, 700, 700),
        ({"risk.window_sessions": 700}, 253, 701),
        ({"regime.history_sessions": 700}, 253, 1088),
        (
            {
                "regime.history_sessions": 1,
                "regime.stop_loss_frac": {"CRASH": 0.1, "BEAR": 0.1, "NEUTRAL": 0.1, "BULL": 0.1},
                "regime.stop_high_sessions": 252,
                "regime.stop_pause_sessions": 252,
            },
            253,
            503,
        ),
    ],
)
def test_the_longest_window_is_that_of_the_stage_that_needs_most(monkeypatch, settings, features, expected):
    monkeypatch.setattr(daily, "monitored_window", lambda _names: features)

    assert daily.longest_window(make_settings(**settings)) == expected
