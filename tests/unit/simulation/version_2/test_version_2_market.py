import numpy as np
import pytest

from tasks.simulation.parameters import Parameters
from tasks.simulation.version_2.market import OVERNIGHT_SHARE, VOLATILITY, simulate_second_path

PARAMETERS = Parameters(1, 20, None, 0.0, version=2)


@pytest.fixture(scope="module")
def path():
    return simulate_second_path(PARAMETERS, 40_000)


def test_volatility_clusters_and_rises_in_falls(path):
    size = np.abs(path.shock)

    assert np.corrcoef(size[21:], size[:-21])[0, 1] > 0.1
    calm = path.regime == 0
    standard = path.shock / path.volatility
    later = np.log(path.volatility[1:] / path.volatility[:-1])
    assert np.corrcoef(standard[:-1][calm[:-1]], later[calm[:-1]])[0, 1] < -0.1


def test_regimes_differ_in_volatility(path):
    found = [
        np.median(path.volatility[path.regime == state]) * np.sqrt(252) for state in range(len(VOLATILITY))
    ]

    assert found == pytest.approx(VOLATILITY, rel=0.4)


def test_the_overnight_part_has_its_share_of_the_variance(path):
    day = path.shock + path.drift - path.overnight

    share = path.overnight.var() / (path.overnight.var() + day.var())
    assert share == pytest.approx(OVERNIGHT_SHARE, abs=0.03)
    assert abs(np.corrcoef(path.overnight, day)[0, 1]) < 0.06


def test_shocks_are_symmetric(path):
    assert abs((path.shock > 0).mean() - 0.5) < 0.01


def test_a_longer_path_begins_with_the_shorter_one(path):
    short = simulate_second_path(PARAMETERS, 500)

    for name in ("regime", "volatility", "shock", "overnight", "volatility_index", "bill_yield_pct"):
        assert np.array_equal(getattr(short, name), getattr(path, name)[:500]), name
