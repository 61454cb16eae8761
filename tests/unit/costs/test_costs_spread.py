import numpy as np
import pytest

from tasks.costs.spread import half_spread
from tests.builders import make_settings

SPREAD = make_settings().costs.spread


def half_bps(price=100.0, volatility=0.02, volume=40e6):
    return 1e4 * half_spread(np.array([price]), np.array([volatility]), np.array([volume]), spread=SPREAD)[0]


def test_the_benchmark_name_has_the_half_spread_of_the_settings():
    assert half_bps() == pytest.approx(2.08)


def test_eight_times_the_volume_halves_the_spread():
    assert half_bps(volume=320e6) == pytest.approx(2.08 / 2, rel=1e-3)


def test_eight_times_the_volatility_quadruples_the_spread():
    assert half_bps(volatility=0.16) == pytest.approx(2.08 * 4, rel=1e-3)


def test_no_spread_is_below_a_tick():
    assert half_bps(price=5.0) == pytest.approx(0.005 / 5 * 1e4)
    assert half_bps(price=5.0, volatility=0.0) == pytest.approx(0.005 / 5 * 1e4)


@pytest.mark.parametrize(
    ("volatility", "volume", "low", "high"),
    [(0.013, 160e6, 0.9, 1.2), (0.016, 10e9, 0.2, 0.4), (0.03, 2e6, 6, 9)],
)
def test_the_level_is_that_of_a_median_index_member_a_mega_cap_and_a_small_cap(volatility, volume, low, high):
    assert low < half_bps(price=200.0, volatility=volatility, volume=volume) < high
