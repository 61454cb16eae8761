import numpy as np
import pytest

from tasks.simulation.parameters import Parameters
from tasks.simulation.regimes import REGIMES, simulate_path

BULL, NEUTRAL, BEAR, CRASH = range(4)


@pytest.fixture(scope="module")
def path():
    return simulate_path(Parameters(1, 20, None, 0.0), 60_000)


def stays(regime, state):
    starts = np.flatnonzero(np.diff(regime, prepend=-1))
    lengths = np.diff(starts)
    return lengths[regime[starts[:-1]] == state]


@pytest.mark.parametrize("state", [BULL, NEUTRAL, BEAR, CRASH])
def test_a_regime_lasts_as_long_as_its_climate_says(path, state):
    lengths = stays(path.regime, state)

    assert lengths.min() >= REGIMES[state].min_sessions
    assert lengths.mean() == pytest.approx(REGIMES[state].mean_sessions, rel=0.3)


def test_most_crashes_come_out_of_weak_markets(path):
    before = path.regime[:-1][(path.regime[1:] == CRASH) & (path.regime[:-1] != CRASH)]

    assert (before == BULL).mean() < 0.3


def test_a_crash_never_ends_in_a_bull(path):
    after = path.regime[1:][(path.regime[:-1] == CRASH) & (path.regime[1:] != CRASH)]

    assert BULL not in after


def test_the_volatility_index_settles_by_regime_and_stays_calm_in_bulls(path):
    means = [path.volatility_index[path.regime == state].mean() for state in range(4)]

    assert means == pytest.approx([regime.index_level for regime in REGIMES], rel=0.1)
    deep_in_bull = (path.regime[3:] == BULL) & (path.regime[:-3] == BULL)
    assert path.volatility_index[3:][deep_in_bull].max() < 30


def test_the_volatility_index_says_crash_within_three_sessions(path):
    begins = np.flatnonzero((path.regime[1:] == CRASH) & (path.regime[:-1] != CRASH)) + 1

    reached = [path.volatility_index[begin : begin + 4].max() >= 35 for begin in begins]

    assert np.mean(reached) > 0.9


def test_volatility_clusters(path):
    size = np.abs(path.shock[path.regime == BULL])

    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.03
