"""Version 2 of the simulated market is as hard as the real one: a slice of `make market`, and the whole as a proof."""

import warnings

import pytest

from tests.market.__main__ import figures_of_seeds
from tests.market.measures import measure
from tests.market.real import REAL
from tests.market.sources import simulated_tape
from tests.market.table import misses

pytestmark = pytest.mark.slice

# of a market of 100 names and eight years: wider than what twenty markets promise
SLICE = {
    "kurtosis_name": (5, 30),
    "clustering_1": (0.12, 0.40),
    "clustering_21": (0.05, 0.30),
    "correlation_median": (0.22, 0.50),
    "share_market": (0.25, 0.50),
    "share_sector": (0.05, 0.16),
    "component_2": (0.035, 0.12),
    "dispersion_pct": (0.9, 2.2),
    "dispersion_p95_to_p50": (1.5, 3.2),
    "ic_deviation_momentum": (0.18, 0.32),
    "ic_deviation_high_52w": (0.18, 0.32),
    "ic_deviation_low_volatility": (0.18, 0.34),
    "ic_deviation_reversal": (0.14, 0.28),
    "t_high_52w": (-3.5, 3.5),
    "overnight_share": (0.26, 0.36),
    "volume_size_correlation": (0.28, 0.50),
    "spread_bps": (40, 95),
    "joined_a_year": (10, 45),
    "left_a_year": (10, 45),
}


@pytest.fixture(scope="module")
def figures():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return measure(
            simulated_tape(seed=400, version=2, symbols=100, sessions=2016, information_coefficient=0.10)
        )


def test_a_small_market_has_the_character_of_the_real_one(figures):
    far = {
        name: round(figures[name], 3) for name, (low, high) in SLICE.items() if not low < figures[name] < high
    }

    assert far == {}


def test_the_planted_alpha_is_as_strong_as_asked_and_fades(figures):
    assert figures["ic_5"] == pytest.approx(0.10, rel=0.25)
    assert figures["ic_1"] < figures["ic_5"]
    assert figures["ic_63"] < figures["ic_21"]
    assert figures["persistence_10"] == pytest.approx(0.5, abs=0.1)
    assert abs(figures["persistence_63"]) < 0.15


@pytest.mark.prove
def test_twenty_markets_are_as_close_to_the_real_one_as_promised():
    assert misses(figures_of_seeds(), REAL) == []
